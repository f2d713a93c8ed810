"""A flight simulator for machine learning in production."""

import os

# Looking for pydantic plugins reads the metadata of every installed package at each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

__version__ = "0.1.0"
