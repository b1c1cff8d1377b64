"""Operators see how the providers stand, from both who use them and who keep the books."""

import httpx2
import pytest

from tests.gateway.conftest import World

PATH = "/api/v1/providers"


async def test_a_provider_is_shown_with_its_breaker_limits_price_and_last_hour(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.uses("modal_sdxl_lora", max_in_flight=10)
    world.backend.measured("modal_sdxl_lora", unknown=2)
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "strategy": "ordered",
        "providers": [
            {
                "name": "modal_sdxl_lora",
                "model": "sdxl",
                "level": 1,
                "breaker": "closed",
                "retry_after_s": 0,
                "keeps_likeness": True,
                "in_flight": 1,
                "concurrency": 3,
                "max_in_flight": 10,
                "price_usd": 0.01,
                "price_read": "2026-05-01",
                "calls": 40,
                "success_rate": 0.975,
                "median_s": 9.5,
                "p95_s": 31.25,
                "cost_usd": 0.39,
                "unknown": 2,
            }
        ],
        "away": [],
    }


async def test_providers_keep_the_order_of_the_settings_and_who_is_asked_no_more_comes_last(
    world: World, client: httpx2.AsyncClient
) -> None:
    for name in ("replicate", "comfyui"):
        world.backend.uses(name)
    for name in ("comfyui", "modal_sdxl_lora"):
        world.backend.measured(name)
    providers = (await client.get(PATH)).json()["providers"]
    assert [provider["name"] for provider in providers] == [
        "replicate",
        "comfyui",
        "modal_sdxl_lora",
    ]
    never_called, _, not_used = providers
    assert (never_called["calls"], never_called["unknown"]) == (0, 0)
    assert (never_called["success_rate"], never_called["median_s"]) == (None, None)
    assert (not_used["breaker"], not_used["level"], not_used["price_usd"]) == (None, None, None)
    assert not_used["calls"] == 40


async def test_who_writes_captions_is_no_provider_of_images(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.uses("openai")
    world.backend.measured("openai")
    for name in ("openai", "anthropic"):
        world.backend.measured(name, kind="captions", calls=7)
    [provider] = (await client.get(PATH)).json()["providers"]
    assert (provider["name"], provider["calls"]) == ("openai", 40)


async def test_a_rate_of_no_calls_is_none(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.uses("comfyui")
    world.backend.measured("comfyui", calls=0, success_rate=1.0, median_ms=None, p95_ms=None)
    [provider] = (await client.get(PATH)).json()["providers"]
    assert (provider["calls"], provider["success_rate"], provider["p95_s"]) == (0, None, None)


@pytest.mark.parametrize(
    ("away", "part", "unknown", "known"),
    [
        ("generator", "generator", "breaker", "calls"),
        ("ledger.provider.records", "ledger", "calls", "breaker"),
    ],
)
async def test_while_one_side_is_away_the_other_is_shown(
    world: World, client: httpx2.AsyncClient, away: str, part: str, unknown: str, known: str
) -> None:
    world.backend.uses("modal_sdxl_lora")
    world.backend.measured("modal_sdxl_lora")
    world.backend.away.add(away)
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    [provider] = told["providers"]
    assert told["away"] == [part]
    assert provider[unknown] is None
    assert provider[known] is not None


async def test_when_nobody_tells_the_client_is_asked_to_come_back(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.away |= {"generator.providers", "ledger.provider.records"}
    answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_health_page_shows_the_breaker_of_every_provider(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.breakers = {"modal_sdxl_lora": "open", "replicate": "closed"}
    health = (await client.get("/api/v1/content/health")).json()
    assert health["checks"]["providers"] == {
        "status": "degraded",
        "detail": {"modal_sdxl_lora": "open", "replicate": "closed"},
    }
    assert health["status"] == "degraded"
