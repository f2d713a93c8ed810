"""Webhooks: an HTTP POST to this machine, or further where somebody allowed it; tried once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE = 5.0
"""Seconds that a receiver has to answer."""


@dataclass(frozen=True)
class Post:
    """A message to be sent once."""

    url: str
    headers: Mapping[str, str]
    body: str
    allow_network: bool = False


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or number alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("example.org")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def problem_with(url: str, allow_network: bool) -> str:
    """What is wrong with a webhook's address; empty where nothing is.

    >>> problem_with("http://example.org/", allow_network=False)
    "'example.org' is not this machine; only with `allow_network: true` does a run reach beyond it"
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as wrong:
        return f"{url!r} is no address: {wrong}"
    if parts.scheme not in ("http", "https") or not host:
        return f"{url!r} is no address; right would be http://127.0.0.1:8080/"
    if parts.username is not None or parts.password is not None:
        return "an address with a user's name or password in it is refused"
    if not allow_network and not is_loopback(host):
        return f"{host!r} is not this machine; only with `allow_network: true` does a run reach beyond it"
    return ""


def send(post: Post) -> str:
    """Send a message, once; why it failed, or nothing.

    No proxy is asked and no redirect is followed: either would take the message elsewhere.
    """
    if problem := problem_with(post.url, post.allow_network):
        return problem
    from http.client import HTTPException
    from threading import Thread
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """Follow no redirect."""

        def redirect_request(self, *arguments: object) -> None:
            """Nowhere."""

    asked = Request(post.url, post.body.encode(), dict(post.headers), method="POST")
    said: list[str] = []

    def exchange() -> None:
        try:
            with build_opener(ProxyHandler({}), Stay()).open(asked, timeout=PATIENCE):
                said.append("")
        except (OSError, HTTPException, ValueError) as wrong:  # URLError is an OSError
            said.append(f"{type(wrong).__name__}: {wrong}")

    # A socket's timeout is one read's: a receiver that answers byte by byte would hold the run for ever.
    exchanging = Thread(target=exchange, daemon=True)
    exchanging.start()
    exchanging.join(PATIENCE)
    return said[0] if said else f"TimeoutError: no whole answer within {PATIENCE:g} seconds"
