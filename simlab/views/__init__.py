"""Folds over the facts of a run: metrics, alarms, the registry, the report."""
