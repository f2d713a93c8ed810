"""The machine: what it refuses, in words for a person."""

from __future__ import annotations

import errno

from simlab.errors import EnvironmentProblem, SimlabError


def disk_full(wrong: BaseException) -> bool:
    """Whether an engine's error means that the disk is full."""
    text = str(wrong).lower()
    return "disk is full" in text or "no space left" in text or "disk full" in text


def environment(wrong: OSError) -> SimlabError:
    """An operating-system error in words for a person."""
    where = f": {wrong.filename}" if wrong.filename else ""
    said = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the file system is read-only",
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.EFBIG: "a file grew over the allowed size",
        errno.EMFILE: "too many open files",
    }.get(wrong.errno or 0, wrong.strerror or str(wrong))
    return EnvironmentProblem(f"{said}{where}")
