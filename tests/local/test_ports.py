"""The gateway's port: 8080 or the next free one, held by us for every replica."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local.errors import CannotRun
from deploy.local.ports import DoorSocket, NoFreePort, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def door() -> Iterator[DoorSocket]:
    """Give an open socket of somebody without settings."""
    opened = DoorSocket({})
    opened.open()
    yield opened
    opened.close()


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free("127.0.0.1", taken)


def test_a_port_named_by_the_user_is_used_or_refused(taken: int) -> None:
    with pytest.raises(NoFreePort, match=f"port {taken} is taken"):
        DoorSocket({"GATEWAY_PORT": str(taken)}).open()


def test_a_port_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(CannotRun, match="GATEWAY_PORT=http"):
        DoorSocket({"GATEWAY_PORT": "http"})


def test_two_ateliers_have_different_ports(door: DoorSocket) -> None:
    other = DoorSocket({})
    other.open()
    assert other.port > door.port
    other.close()


def test_who_connects_before_anybody_serves_waits_instead_of_being_refused(
    door: DoorSocket,
) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=1) as early:
        early.sendall(b"anybody there?")


def test_a_closed_door_refuses(door: DoorSocket) -> None:
    port = door.port
    door.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_the_address_is_one_that_a_client_here_can_use(host: str, url: str) -> None:
    door = DoorSocket({"GATEWAY_HOST": host})
    door.open()
    assert door.url.startswith(url)
    door.close()
