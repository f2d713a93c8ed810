"""The guard that every test runs under really guards."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from simlab.lab import Lab

GUARD = "the guard of tests/conftest.py"


def test_a_test_may_write_in_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.txt").write_text("fine")
    os.replace(tmp_path / "a" / "b" / "c.txt", tmp_path / "d.txt")
    assert (tmp_path / "d.txt").read_text() == "fine"


def test_writing_beside_the_package_fails_the_test() -> None:
    stray = Path(__file__).parent / "stray.txt"
    with pytest.raises(pytest.fail.Exception, match=GUARD):
        stray.write_text("no")
    assert not stray.exists()


def test_making_a_folder_in_the_real_home_fails_the_test() -> None:
    stray = Path.home() / ".simlab-stray"
    with pytest.raises(pytest.fail.Exception, match=GUARD):
        stray.mkdir()
    assert not stray.exists()


def test_a_rename_out_of_the_folder_fails_the_test(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(pytest.fail.Exception, match=GUARD):
        (tmp_path / "a").rename(Path(__file__).parent / "stray.txt")


def test_removing_a_file_of_others_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match=GUARD):
        Path(__file__).unlink()
    assert Path(__file__).exists()


def test_a_home_in_the_checkout_fails_the_test(tiny: Path) -> None:
    home = Path(__file__).parent / ".simlab"
    with pytest.raises(pytest.fail.Exception, match=GUARD):
        Lab(home).run(tiny, project=False)
    assert not home.exists()


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_socket_to_elsewhere_fails_the_test(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as out, pytest.raises(pytest.fail.Exception, match=GUARD):
        out.connect(address)


def test_looking_up_a_name_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match=GUARD):
        socket.create_connection(("example.invalid", 80), timeout=1)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as out:
            assert out.getpeername() == server.getsockname()
