"""A service is sent through the proxy, and the proxy is told where it would have gone."""

from pathlib import Path

from services.ledger.adapters.database_url import driver_url
from tests.chaos.proxy import upstream_file
from tests.chaos.rerouted import PROXY_DIRECTORY, PROXY_NATS_PORT, reroute, tell
from tests.chaos.schedule import NATS, POSTGRES


def environment(**more: str) -> dict[str, str]:
    return {
        "NATS_URL": "nats://127.0.0.1:4222",
        PROXY_DIRECTORY: "/tmp/ours",
        PROXY_NATS_PORT: "5999",
        **more,
    }


def test_broker_and_database_are_reached_by_way_of_the_proxy() -> None:
    ours = environment(DATABASE_URL="postgresql://atelier@/atelier?host=/tmp/theirs/pg")
    assert reroute(ours) == {NATS: "127.0.0.1:4222", POSTGRES: "/tmp/theirs/pg"}
    assert ours["NATS_URL"] == "nats://127.0.0.1:5999"
    url = driver_url(ours["DATABASE_URL"])
    assert (url.username, url.database, url.query["host"]) == ("atelier", "atelier", "/tmp/ours")


def test_a_service_without_a_database_needs_none() -> None:
    ours = environment()
    assert reroute(ours) == {NATS: "127.0.0.1:4222"}
    assert "DATABASE_URL" not in ours


def test_the_proxy_reads_the_newest_address(tmp_path: Path) -> None:
    tell(tmp_path, {NATS: "127.0.0.1:1"})
    tell(tmp_path, {NATS: "127.0.0.1:2"})
    assert upstream_file(tmp_path, NATS).read_text() == "127.0.0.1:2"
    assert len(list(tmp_path.iterdir())) == 1
