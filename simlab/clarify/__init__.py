"""Clarify: its bias metrics and its files, under its wire names.

Pure functions of counts and of Arrow columns; no engine, no clock, no log. Formulas are those of AWS's
open smclarify (`aws/amazon-sagemaker-clarify`), which the developer guide describes.
"""
