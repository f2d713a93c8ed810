"""Processes that belong to a run: they listen on standard input and end when it closes.

So a killed run leaves no orphan: the kernel closes the pipe, and the child is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from simlab.engines import QUIET


class Service:
    """A child process that takes one JSON object per line and answers each with one line.

    Parameters
    ----------
    module
        Python module to run, as in ``python -m``.
    arguments
        Its arguments.
    errors
        File that takes what it says on standard error.
    """

    def __init__(self, module: str, arguments: list[str], errors: Path):
        errors.parent.mkdir(parents=True, exist_ok=True)
        self._errors: IO[bytes] = errors.open("ab")
        package = str(Path(__file__).parent.parent)
        path = os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH", "")) if p)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **QUIET, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is the run's to handle
        )
        self._left = False
        self._unheard = 0

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send one object and wait for the answer.

        Raises
        ------
        RuntimeError
            The process ended, or says that it failed.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(body).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise RuntimeError(f"the service ended with code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def tell(self, body: dict[str, Any]) -> None:
        """Send one object and wait for nothing; `heard` waits for the answer."""
        assert self._process.stdin is not None
        self._unheard += 1
        with suppress(BrokenPipeError):  # `heard` says that it ended
            self._process.stdin.write(json.dumps(body).encode() + b"\n")
            self._process.stdin.flush()

    def heard(self) -> list[dict[str, Any]]:
        """Wait for an answer to everything that was told; the answers in order, errors among them.

        Raises
        ------
        RuntimeError
            The process ended before it had answered.
        """
        assert self._process.stdout is not None
        found = []
        while self._unheard:
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the service ended with code {self._process.wait()}")
            found.append(json.loads(line))
            self._unheard -= 1
        return found

    def leave(self, body: dict[str, Any]) -> None:
        """Send one object and let the child finish by itself: it does this much, and ends."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(body).encode() + b"\n")
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()
        self._left = True
        self._process.returncode = 0  # nobody waits for it, and Python need not warn of that

    def close(self) -> None:
        """Close its standard input and wait until it ends."""
        if self._left:
            return
        if self._unheard:  # nobody will hear what it was told to do
            self._process.kill()
        with suppress(BrokenPipeError):  # it ended by itself, and said why in its file
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:  # pragma: no cover - a stuck engine
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
