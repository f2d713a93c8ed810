"""AWS's files as bytes: keys in the order in which they are given, two spaces of indent."""

from __future__ import annotations

import json
from typing import Any


def as_json(body: Any) -> bytes:
    r"""A file of AWS's as it is written.

    Figures that JSON has no word for must be given as the text that the service writes in their place
    (`"NaN"`, `"Infinity"`).

    Raises
    ------
    ValueError
        The body holds such a figure.

    >>> as_json({"version": 0.0})
    b'{\n  "version": 0.0\n}\n'
    """
    return (json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
