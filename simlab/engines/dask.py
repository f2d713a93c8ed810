"""Dask: the same function over a cluster, by the address of its scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from distributed import Client, as_completed

from simlab.errors import UsageError

T = TypeVar("T")


def over(address: str, function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> Iterator[T]:
    """Call a function with each set of arguments somewhere in the cluster; answers as they come.

    Parameters
    ----------
    address
        Of the scheduler: ``tcp://host:8786``.
    function
        One that every worker can import.
    calls
        Positional arguments of each call.

    Raises
    ------
    UsageError
        No scheduler answers there.
    """
    try:
        reached = Client(address, timeout=10, set_as_default=False)
    except OSError as wrong:
        raise UsageError(f"no Dask scheduler answers at {address}: {wrong}") from wrong
    with reached as client:
        futures = [client.submit(function, *arguments, pure=False) for arguments in calls]
        try:
            for future in as_completed(futures, loop=client.loop):
                yield future.result()
        finally:
            client.cancel(futures)
