"""CloudWatch, SNS and EventBridge in AWS's shapes: metrics, alarms, notifications, events.

Pure: nothing here reads a clock, a file or a socket. Account, region and names of an offline world are
constants of this file.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

ACCOUNT = "000000000000"
REGION = "us-east-1"
REGION_NAME = "US East (N. Virginia)"


def arn(service: str, resource: str) -> str:
    """The name of a resource of this offline account.

    >>> arn("sns", "pager")
    'arn:aws:sns:us-east-1:000000000000:pager'
    """
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def alarm_arn(name: str) -> str:
    """The ARN of an alarm."""
    return arn("cloudwatch", f"alarm:{name}")


def compact(body: Any) -> str:
    """A body as JSON on one line, keys in the order in which they are given."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def id_of(*parts: object) -> str:
    """An id in the form of a UUID, made of what it names: the same parts, the same id.

    >>> id_of("sns", "pager", 3) == id_of("sns", "pager", 3), len(id_of("x"))
    (True, 36)
    """
    total = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return str(UUID(bytes=total[:16], version=4))


def seconds(moment: datetime) -> float:
    """Seconds since 1970, as the API's JSON holds a timestamp; simulated time is UTC."""
    return moment.replace(tzinfo=UTC).timestamp()


def iso_millis(moment: datetime) -> str:
    """A moment as SNS and EventBridge's details write it, with milliseconds.

    >>> iso_millis(datetime(2026, 1, 5))
    '2026-01-05T00:00:00.000'
    """
    return moment.isoformat(timespec="milliseconds")


__all__ = [
    "ACCOUNT",
    "REGION",
    "REGION_NAME",
    "alarm_arn",
    "arn",
    "compact",
    "id_of",
    "iso_millis",
    "seconds",
]
