"""When to retrain, one policy a file: a function of the history that says why, or None."""
