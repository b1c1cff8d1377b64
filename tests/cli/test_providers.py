"""`atelier providers`: how they stand, against a real gateway on a socket."""

from collections.abc import AsyncIterator

import pytest

from tests.cli.served import Run, run, served
from tests.gateway.conftest import World, app, world

__all__ = ["app", "world"]


@pytest.fixture
async def atelier(world: World) -> AsyncIterator[Run]:
    """Run `atelier …` with a key of the first tenant."""
    async with served(world) as url:
        yield lambda *arguments, **how: run(url, *arguments, **how)


async def test_providers_are_listed_as_people_read_them(atelier: Run, world: World) -> None:
    world.backend.uses("modal_sdxl_lora", breaker="open", retry_after_s=41.7)
    world.backend.uses(
        "replicate",
        model="black-forest-labs/flux-1.1-pro",
        keeps_likeness=False,
        price_usd_micros=40_000,
    )
    world.backend.measured("modal_sdxl_lora", success_rate=0.25, unknown=3)
    said = await atelier("providers")
    assert said.code == 0, said.err
    _, modal, replicate, legend = said.out.splitlines()
    assert modal.split() == [
        *("modal_sdxl_lora", "open", "for", "42", "s", "40", "25%"),
        *("9.5", "s", "31.2", "s", "3", "1/3", "$0.01", "sdxl"),
    ]
    assert replicate.split()[:3] == ["replicate", "closed", "0"]
    assert "$0.04" in replicate
    assert "flux-1.1-pro, no likeness" in replicate
    assert "strategy ordered" in legend
    assert "\x1b" not in said.out


async def test_machines_get_what_the_gateway_says(atelier: Run, world: World) -> None:
    world.backend.uses("modal_sdxl_lora")
    told = (await atelier("providers", "--json")).json
    assert (told["strategy"], told["away"]) == ("ordered", [])
    assert told["providers"][0]["breaker"] == "closed"


@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_the_exit_code_tells_whether_anybody_may_be_called(
    atelier: Run, world: World, form: tuple[str, ...]
) -> None:
    world.backend.uses("modal_sdxl_lora", breaker="open")
    # Called an hour ago, but not used any more.
    world.backend.measured("comfyui")
    assert (await atelier("providers", *form)).code == 1
    world.backend.uses("replicate", breaker="half_open")
    assert (await atelier("providers", *form)).code == 0


async def test_a_provider_that_is_not_used_any_more_is_told_apart(
    atelier: Run, world: World
) -> None:
    world.backend.measured("comfyui", unknown=1)
    said = await atelier("providers")
    assert "not used" in said.out
    assert said.code == 1


async def test_who_writes_captions_is_not_listed(atelier: Run, world: World) -> None:
    world.backend.uses("modal_sdxl_lora")
    world.backend.measured("anthropic", kind="captions")
    said = await atelier("providers")
    assert "modal_sdxl_lora" in said.out
    assert "anthropic" not in said.out


@pytest.mark.parametrize("part", ["generator", "ledger"])
async def test_who_does_not_answer_is_named_and_the_rest_shown(
    atelier: Run, world: World, part: str
) -> None:
    world.backend.uses("modal_sdxl_lora")
    world.backend.measured("modal_sdxl_lora")
    away = {"generator": "generator.providers", "ledger": "ledger.provider.records"}
    world.backend.away.add(away[part])
    said = await atelier("providers")
    assert f"the {part} does not answer" in said.err
    assert "modal_sdxl_lora" in said.out
    assert "?" in said.out
    # Without the generator nobody can be called.
    assert said.code == (1 if part == "generator" else 0)
