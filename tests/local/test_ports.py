"""The gateway's port: 8080 or the next free one."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local.errors import CannotRun
from deploy.local.ports import GatewayPorts, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def ports() -> Iterator[GatewayPorts]:
    """Give a chooser without settings."""
    chooser = GatewayPorts({})
    yield chooser
    chooser.release()


def listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free("127.0.0.1", taken)


def test_a_port_named_by_the_user_is_used_or_refused(taken: int) -> None:
    with pytest.raises(CannotRun, match=f"port {taken} is taken"):
        GatewayPorts({"GATEWAY_PORT": str(taken)}).choose(1)


def test_a_port_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(CannotRun, match="GATEWAY_PORT=http"):
        GatewayPorts({"GATEWAY_PORT": "http"})


def test_the_next_free_port_is_chosen_when_the_first_is_taken(ports: GatewayPorts) -> None:
    port = ports.choose(1)
    ports.release()
    with listen(port):
        other = GatewayPorts({})
        assert other.choose(1) > port
        other.release()


def test_two_ateliers_that_start_at_once_choose_different_ports(ports: GatewayPorts) -> None:
    other = GatewayPorts({})
    assert other.choose(1) != ports.choose(1)
    other.release()


def test_replicas_have_ports_of_their_own_and_keep_them(ports: GatewayPorts) -> None:
    chosen = [ports.choose(1), ports.choose(2), ports.choose(1)]
    assert chosen[0] == chosen[2] != chosen[1]


def test_who_loses_the_race_for_a_port_gets_another(ports: GatewayPorts) -> None:
    port = ports.choose(1)
    with listen(port):
        assert ports.lost_race(1)
        assert ports.choose(1) != port


def test_a_settled_port_is_kept_even_when_it_is_taken(ports: GatewayPorts) -> None:
    port = ports.choose(1)
    ports.settle()
    with listen(port):
        assert ports.choose(1) == port
        assert not ports.lost_race(1)


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_the_address_is_one_that_a_client_here_can_use(host: str, url: str) -> None:
    ports = GatewayPorts({"GATEWAY_HOST": host})
    ports.choose(1)
    assert ports.url().startswith(url)
    ports.release()
