"""Orders that cannot be met."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from services.gateway.adapters.template_file import TEMPLATES_FILE
from services.gateway.adapters.template_library import CachedLibrary
from tests.errors.producers.registry import (
    BATCH,
    GENERATE,
    ORDER,
    PIECE,
    RealLedger,
    at_the_door,
    from_the_ledger,
)
from tests.gateway.backend import NOW
from tests.gateway.conftest import World


async def _order(world: World, **changes: Any) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(BATCH, json=ORDER | changes)


async def _piece(world: World, **body: Any) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(GENERATE, json={"avatar_id": "ada", **body})


@from_the_ledger("idempotency_conflict", field="Idempotency-Key")
async def idempotency_conflict(ledger: RealLedger) -> httpx2.Response:
    await ledger.books.avatar("ada")
    headers = {"Idempotency-Key": "spring-campaign-3"}
    async with ledger.client(new_id=lambda: str(uuid4())) as client:
        first = await client.post(BATCH, json=ORDER, headers=headers)
        assert first.status_code == 202, first.text
        return await client.post(BATCH, json=ORDER | {"num_pieces": 2}, headers=headers)


@at_the_door("safety_check_required", field="safety_check")
async def safety_check_required(world: World) -> httpx2.Response:
    return await _order(world, safety_check=False, custom_prompts=["by the sea"])


@at_the_door("uploads_disabled", field="upload_to_storage")
async def uploads_disabled(world: World) -> httpx2.Response:
    async with world.client(uploads_enabled=False) as client:
        return await client.post(BATCH, json=ORDER | {"upload_to_storage": True})


@at_the_door("ratios_do_not_sum_to_one", field="tier_distribution")
async def ratios_do_not_sum_to_one(world: World) -> httpx2.Response:
    return await _order(world, tier_distribution={"capa1_ratio": 0.5})


@at_the_door("too_many_custom_prompts", field="custom_prompts")
async def too_many_custom_prompts(world: World) -> httpx2.Response:
    return await _order(world, custom_prompts=["by the sea", "in a library"])


@at_the_door("too_many_custom_tiers", field="custom_tiers")
async def too_many_custom_tiers(world: World) -> httpx2.Response:
    return await _order(world, custom_tiers=["capa1"])


@at_the_door("no_template", field="tier_distribution.capa1_ratio")
async def no_template(world: World) -> httpx2.Response:
    """A library without a template for everyday pieces."""
    known = json.loads(TEMPLATES_FILE.read_text(encoding="utf-8"))
    templates = [each for each in known["templates"] if each["tier"] != "capa1"]
    path = Path(world.objects) / "templates.json"
    path.write_text(json.dumps(known | {"templates": templates}), encoding="utf-8")
    async with world.client(library=CachedLibrary(path)) as client:
        return await client.post(BATCH, json=ORDER)


@at_the_door("tier_below_template", field="tier")
async def tier_below_template(world: World) -> httpx2.Response:
    template = await _template_of(world, tier="capa2")
    return await _piece(world, template_id=template, tier="capa1")


@at_the_door("template_not_for_platform", field="platform")
async def template_not_for_platform(world: World) -> httpx2.Response:
    library = await world.door.library.all()
    [template, *_] = [each for each in library if each.platforms]
    return await _piece(world, template_id=template.id, platform="fanvue")


@at_the_door("avatar_without_lora", field="avatar_id", detail="Avatar has no trained LoRA weights")
async def avatar_without_lora(world: World) -> httpx2.Response:
    world.backend.avatar(lora_weights_url=None)
    return await _order(world)


@at_the_door("avatar_blocked", field="avatar_id")
async def avatar_blocked(world: World) -> httpx2.Response:
    world.backend.avatar(stage="blocked")
    return await _order(world)


@at_the_door("avatar_frozen", field="avatar_id")
async def avatar_frozen(world: World) -> httpx2.Response:
    world.backend.avatar(frozen={"at": NOW, "reason": "minors"})
    return await _order(world)


@at_the_door("consent_not_attested", field="avatar_id")
async def consent_not_attested(world: World) -> httpx2.Response:
    world.backend.avatar(likeness={"kind": "consented_person", "name": "Ada Beispiel"})
    return await _order(world)


async def _template_of(world: World, *, tier: str) -> str:
    return next(each.id for each in await world.door.library.all() if each.tier == tier)


@at_the_door("avatar_not_found", field="avatar_id")
async def avatar_not_found(world: World) -> httpx2.Response:
    return await _order(world, avatar_id="nobody")


@at_the_door("template_not_found", field="template_id")
async def template_not_found(world: World) -> httpx2.Response:
    return await _piece(world, **PIECE | {"custom_prompt": None, "template_id": "nothing"})


@at_the_door("prompt_blocked", field="custom_prompts.0")
async def prompt_blocked(world: World) -> httpx2.Response:
    return await _order(world, custom_prompts=["something forbidden"])
