"""A webhook is told once, on this machine, and a deaf one hurts nobody."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from simlab.webhooks import Post, problem_with, send
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_message_arrives_as_it_is(receiver: Receiver) -> None:
    assert send(Post(receiver.url, {"x-amz-sns-message-type": "Notification"}, '{"a": "é"}')) == ""
    ((headers, body),) = receiver.told
    assert body == '{"a": "é"}'
    assert {k.lower(): v for k, v in headers.items()}["x-amz-sns-message-type"] == "Notification"


@pytest.mark.parametrize("status", [500, 302])
def test_a_refusal_and_a_redirect_are_reasons(receiver: Receiver, status: int) -> None:
    receiver.status = status
    assert str(status) in send(Post(receiver.url, {}, "x"))
    assert len(receiver.told) == 1  # neither tried again nor taken elsewhere


def test_nobody_there_is_a_reason() -> None:
    with Receiver() as gone:
        pass
    assert "refused" in send(Post(gone.url, {}, "x"))


def test_proxies_are_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    assert send(Post(receiver.url, {}, "x")) == ""


@pytest.mark.parametrize(
    ("url", "allowed", "right"),
    [
        ("http://127.0.0.1:8080/", False, True),
        ("http://[::1]:8080/", False, True),
        ("http://localhost/", False, True),
        ("http://example.org/", False, False),
        ("http://localhost.example.org/", False, False),
        ("http://127.0.0.1@example.org/", False, False),
        ("http://0.0.0.0/", False, False),
        ("https://example.org/", True, True),
        ("ftp://127.0.0.1/", True, False),
        ("file:///etc/passwd", True, False),
        ("http://127.0.0.1:x/", True, False),
        ("http://user:pw@127.0.0.1/", True, False),
        ("nonsense", True, False),
    ],
)
def test_only_this_machine_is_reached_unless_somebody_says_so(url: str, allowed: bool, right: bool) -> None:
    assert (problem_with(url, allowed) == "") is right


def test_what_may_not_be_reached_is_not(receiver: Receiver) -> None:
    assert "not this machine" in send(Post("http://example.org/", {}, "x"))  # the guard would see a socket


def test_a_receiver_that_answers_byte_by_byte_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simlab.webhooks.PATIENCE", 0.5)
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            talk, _ = server.accept()
            with talk:
                for byte in b"HTTP/1.1 200 " + b"O" * 15:
                    if over.wait(0.2):
                        return
                    talk.sendall(bytes([byte]))

        Thread(target=trickle, daemon=True).start()
        began = time.monotonic()
        assert "TimeoutError" in send(Post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, "x"))
        assert time.monotonic() - began < 2
        over.set()
