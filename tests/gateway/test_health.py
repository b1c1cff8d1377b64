"""How the system is: for programs, probes and people."""

import httpx2
import pytest

from tests.gateway.conftest import Wire, World


async def test_health_tells_the_state_of_every_part(client: httpx2.AsyncClient) -> None:
    health = (await client.get("/api/v1/content/health")).json()
    assert health["status"] == "ok"
    assert health["checks"]["database"]["detail"]["pool_size"] == 5
    assert health["checks"]["broker"]["status"] == "ok"
    assert health["checks"]["r2_storage"]["detail"] == {"free_bytes": 10}
    assert health["checks"]["providers"]["detail"] == {"preview": "closed"}
    assert health["checks"]["safety"]["detail"] == {"judges": {"preview": "ready"}}
    assert health["template_library"]["templates"] >= 60
    assert len(health["template_library"]["categories"]) >= 10


@pytest.mark.parametrize(
    ("service", "check"),
    [("storage", "r2_storage"), ("generator", "providers"), ("safety", "safety")],
)
async def test_without_a_store_or_providers_or_safety_the_system_is_degraded(
    world: World, client: httpx2.AsyncClient, service: str, check: str
) -> None:
    world.backend.away.add(service)
    health = (await client.get("/api/v1/content/health")).json()
    assert (health["status"], health["checks"][check]["status"]) == ("degraded", "down")


async def test_without_database_or_broker_the_system_is_down(world: World) -> None:
    async with world.client(broker=Wire(is_connected=False)) as client:
        health = (await client.get("/api/v1/content/health")).json()
        assert (health["status"], health["checks"]["broker"]["status"]) == ("down", "down")
    async with world.client() as client:
        await client.get("/api/v1/avatars")  # the key is known from here on
        world.backend.away.add("ledger")
        health = (await client.get("/api/v1/content/health")).json()
        assert (health["status"], health["checks"]["database"]["status"]) == ("down", "down")


async def test_the_health_page_is_asked_for_once_in_a_while_only(world: World) -> None:
    async with world.client(health_cache_s=60) as client:
        for _ in range(3):
            await client.get("/api/v1/content/health")
    assert world.backend.asked.count("ledger.health") == 1


async def test_people_get_a_line_for_each_part_and_nothing_secret(world: World) -> None:
    world.backend.away.add("storage")
    async with world.client(key=None) as client:
        answer = await client.get("/health")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line.split() for line in answer.text.splitlines() if line]
    assert lines == [
        ["atelier", "is", "degraded"],
        ["database", "ok"],
        ["broker", "ok"],
        ["storage", "down"],
        ["providers", "ok"],
        ["safety", "ok"],
    ]


async def test_a_living_process_says_so_whatever_else_is_away(world: World) -> None:
    world.backend.away |= {"ledger", "storage", "generator"}
    async with world.client(key=None, broker=Wire(is_connected=False)) as client:
        answer = await client.get("/health/live")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_ready_means_broker_and_ledger_and_is_never_cached(world: World) -> None:
    async with world.client(key=None, health_cache_s=60) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.headers["cache-control"]) == (200, "no-store")
        world.backend.away.add("ledger")
        away = await client.get("/health/ready")
        assert (away.status_code, away.headers["cache-control"]) == (503, "no-store")
        assert away.headers["content-type"] == "application/problem+json"
        world.backend.away.clear()
        assert (await client.get("/health/ready")).status_code == 200
    async with world.client(key=None, broker=Wire(is_connected=False)) as client:
        assert (await client.get("/health/ready")).status_code == 503
