"""Nobody reaches the API without a valid key."""

import httpx2
import pytest

from services.gateway.adapters.api_keys import KNOWN_FOR_S, MAX_REMEMBERED, RememberedKeys
from services.gateway.domain.rate_limits import network_of
from services.gateway.handler.api_key import WRONG_KEYS
from tests.gateway.backend import KEY, SECRET, Backend
from tests.gateway.conftest import World

PATH = "/api/v1/avatars"


async def test_a_valid_key_opens_the_door_in_either_header(world: World) -> None:
    async with world.client(key=None) as client:
        assert (await client.get(PATH, headers={"X-API-Key": KEY})).status_code == 200
        assert (await client.get(PATH, headers={"Authorization": f"bearer {KEY}"})).is_success


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "atl_k1"},
        {"X-API-Key": f"atl_k1_{SECRET}x"},
        {"X-API-Key": f"atl_k9_{SECRET}"},
        {"X-API-Key": f"atl_k.1_{SECRET}"},
        {"X-API-Key": KEY + " "},
        {"Authorization": f"Basic {KEY}"},
        {"X-API-Key": "atl_k1_wrong-wrong-wrong-wrong", "Authorization": f"Bearer {KEY}"},
    ],
    ids=lambda headers: "+".join(headers) or "none",
)
async def test_anything_else_is_refused_the_same_way(world: World, headers: dict[str, str]) -> None:
    async with world.client(key=None) as client:
        answer = await client.get(PATH, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="atelier"'
    assert answer.json()["code"] == "unauthorized"
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", [PATH, "/api/v1/no/such/path", "/api/v2/anything"])
async def test_without_a_key_nothing_of_the_api_can_be_told_apart(world: World, path: str) -> None:
    async with world.client(key=None) as client:
        assert (await client.get(path)).status_code == 401
        assert (await client.post(path, content=b"{broken")).status_code == 401


@pytest.mark.parametrize("path", ["/", "/health", "/health/live", "/health/ready", "/docs"])
async def test_pages_and_probes_need_no_key(world: World, path: str) -> None:
    async with world.client(key=None) as client:
        assert (await client.get(path)).status_code == 200


async def test_a_key_sees_only_its_tenants_things(world: World) -> None:
    async with world.client(key=f"atl_k2_{SECRET}") as client:
        assert (await client.get(f"{PATH}/ada")).status_code == 404


async def test_keys_that_cannot_be_checked_are_not_refused_for_good(world: World) -> None:
    world.backend.away.add("ledger")
    async with world.client() as client:
        answer = await client.get(PATH)
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdigit()


async def test_a_key_is_looked_up_once_and_a_revoked_one_stops_working_soon() -> None:
    backend, now = Backend(), [0.0]
    keys = RememberedKeys(backend, monotonic=lambda: now[0])
    assert await keys.find("k1") is not None
    assert await keys.find("k1") is not None
    assert backend.asked == ["ledger.key.find"]
    del backend.keys["k1"]
    now[0] = KNOWN_FOR_S
    assert await keys.find("k1") is None


async def test_a_new_key_works_soon_after_it_was_unknown() -> None:
    backend, now = Backend(), [0.0]
    keys = RememberedKeys(backend, monotonic=lambda: now[0])
    known = backend.keys.pop("k1")
    assert await keys.find("k1") is None
    backend.keys["k1"] = known
    now[0] = 5.0
    assert await keys.find("k1") == known


async def test_guessing_key_ids_does_not_fill_the_memory() -> None:
    backend = Backend()
    keys = RememberedKeys(backend)
    for guess in range(MAX_REMEMBERED + 1):
        await keys.find(f"guess{guess}")
    backend.asked.clear()
    await keys.find("guess1")
    assert backend.asked == []
    await keys.find("guess0")
    assert backend.asked == ["ledger.key.find"]


async def test_the_key_is_checked_before_the_body_is_read(world: World) -> None:
    async with world.client(key=None) as client:
        answer: httpx2.Response = await client.post(PATH, content=b"x" * (2**20 + 1))
    assert answer.status_code == 401


async def test_guessing_ends_in_patience_and_reaches_nobody(world: World) -> None:
    statuses = []
    async with world.client(key=None, address="192.0.2.1") as client:
        for guess in range(WRONG_KEYS.requests + 5):
            answer = await client.get(PATH, headers={"X-API-Key": f"atl_g{guess}_{SECRET}"})
            statuses.append(answer.status_code)
    assert statuses == [401] * WRONG_KEYS.requests + [429] * 5
    assert answer.json()["code"] == "rate_limited"
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-policy"] == '"wrong-keys";q=30;w=60'
    assert len(world.backend.asked) == WRONG_KEYS.requests
    async with world.client(address="192.0.2.2") as elsewhere:
        assert (await elsewhere.get(PATH)).status_code == 200


async def test_who_shares_an_address_with_a_guesser_is_not_locked_out(world: World) -> None:
    async with world.client(address="192.0.2.3") as client:
        assert (await client.get(PATH)).status_code == 200
        wrong = {"X-API-Key": f"{KEY}-wrong"}
        told = [
            (await client.get(PATH, headers=wrong)).status_code
            for _ in range(WRONG_KEYS.requests + 1)
        ]
        assert told[-2:] == [401, 429]
        assert (await client.get(PATH)).status_code == 200


async def test_asking_without_a_key_costs_nobody_else_anything(world: World) -> None:
    async with world.client(key=None, address="192.0.2.4") as client:
        for _ in range(WRONG_KEYS.requests + 1):
            assert (await client.get(PATH)).status_code == 401
        answer = await client.get(PATH, headers={"X-API-Key": KEY})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_addresses_of_one_customer_count_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
