"""Our own engine in the real pipeline: weights from the store, faces kept apart, a kill -9."""

import asyncio
import hashlib
import io
import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image, ImageChops, ImageStat

from services.generator.adapters.sdxl_local.wishes import wish_for
from services.generator.sdxl.components import load_components, targets_of
from services.generator.sdxl.engine import Engine
from services.generator.sdxl.weights import LoraWeights, Targets
from shared.content import Brief, Lane
from tests.e2e.system import System, running
from tests.eventually import eventually
from tests.generator.sdxl.tiny import lora_weights, make_lora
from tests.generator.sdxl_local.model import write_model
from tests.outages.whole import small_templates
from tests.safety.tiny_models import write_lenient_classifier

SEEDS = {"ada": 1, "bea": 2}
RANK, STRENGTH = 4, 2.0
# Steps of 255, of pictures reduced to 32 by 32: what JPEG and another batch may change.
MANY_STEPS = 50
"""Whoever looks every moment sees such an image being made."""
ALIKE, UNLIKE = 1.5, 3.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("sdxl") / "model")


@pytest.fixture(scope="module")
def targets(model: Path) -> Targets:
    return targets_of(load_components(str(model)))


@pytest.fixture(scope="module")
def system(
    model: Path, targets: Targets, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """An Atelier whose generator has a device, and two avatars' weights in its store."""
    directory = tmp_path_factory.mktemp("local")
    with running(
        directory / "data",
        AI_IMAGE_PROVIDER="sdxl_local",
        SDXL_LOCAL_ENABLED="true",
        SDXL_MODEL=str(model),
        SDXL_DEVICE="cpu",
        SDXL_MAX_BATCH="4",
        TEMPLATES_FILE=str(small_templates(directory)),
        SAFETY_JUDGES="classifier",
        SAFETY_CLASSIFIER_DIR=str(write_lenient_classifier(directory / "classifier")),
    ) as system:
        for name, seed in SEEDS.items():
            file = weights_of(system, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            make_lora(file, seed=seed, rank=RANK, strength=STRENGTH, targets=targets)
        yield system


def weights_of(system: System, name: str) -> Path:
    return system.data / "objects" / "private" / "loras" / f"{name}.safetensors"


def avatar(system: System, name: str, steps: int = 20) -> str:
    return system.avatar(
        name=name,
        lora_weights_url=f"loras/{name}.safetensors",
        lora_scale=1.0,
        meta_data={"generation_config": {"steps": steps, "scheduler": "Euler a"}},
    )


def pieces_of(system: System, task_id: str) -> list[dict[str, Any]]:
    task = system.finished(task_id, timeout_s=240)
    assert task["state"] == "completed", task
    pieces: list[dict[str, Any]] = task["result"]["content_pieces"]
    return [system.client.get(f"/content/pieces/{piece['id']}").json() for piece in pieces]


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Shelf:
    """The library of an engine that is run beside: weights by an avatar's name."""

    def __init__(self, targets: Targets) -> None:
        self.targets = targets

    async def weights(self, url: str, *, limit_s: float) -> LoraWeights:
        return lora_weights(SEEDS[url], RANK, strength=STRENGTH, targets=self.targets)


async def remade(
    model: Path, targets: Targets, wanted: Mapping[str, tuple[Brief, str]]
) -> dict[str, Image.Image]:
    """Images by their keys, of briefs and avatars, by an engine of our own."""
    components = await asyncio.to_thread(load_components, str(model))
    async with Engine(components, Shelf(targets)) as engine:
        wishes = [wish_for(brief, name, Lane.BULK, limit_s=240) for brief, name in wanted.values()]
        pictures = await asyncio.gather(*map(engine.generate, wishes))
    made = [Image.open(io.BytesIO(picture.png)) for picture in pictures]
    return dict(zip(wanted, made, strict=True))


def difference(one: Image.Image, other: Image.Image) -> float:
    small = [image.convert("RGB").resize((32, 32), Image.Resampling.BOX) for image in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean)


def delivered(piece: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(httpx2.get(piece["url"], trust_env=False).content))


async def brief_of(system: System, piece: dict[str, Any]) -> Brief:
    [row] = await system.rows("select brief from pieces where id = $1", piece["id"])
    return Brief.model_validate(json.loads(row["brief"]))


async def test_two_avatars_at_once_each_get_their_own_face(
    system: System, model: Path, targets: Targets
) -> None:
    tasks = {
        name: system.order(avatar(system, name), count) for name, count in (("ada", 5), ("bea", 3))
    }
    pieces = {name: pieces_of(system, task_id) for name, task_id in tasks.items()}
    assert [len(some) for some in pieces.values()] == [5, 3]
    for name, some in pieces.items():
        for piece in some:
            made = piece["metadata"]
            assert (made["provider"], made["level"], made["degraded"]) == ("sdxl_local", 1, False)
            circumstances = made["generation_params"]["made_with"]
            assert circumstances["lora_sha256"] == sha256_of(weights_of(system, name))
            assert circumstances["sampler"] == "euler_ancestral"
            assert set(circumstances["versions"]) >= {"torch", "diffusers"}
    one, other = pieces["ada"][0], pieces["bea"][0]
    again = await remade(
        model,
        targets,
        {
            "one": (await brief_of(system, one), "ada"),
            "other": (await brief_of(system, other), "bea"),
            "swapped": (await brief_of(system, one), "bea"),
        },
    )
    assert difference(delivered(one), again["one"]) < ALIKE
    assert difference(delivered(other), again["other"]) < ALIKE
    assert difference(delivered(one), again["swapped"]) > UNLIKE


async def test_an_image_that_a_killed_generator_was_making_is_made_by_the_next(
    system: System,
) -> None:
    task_id = system.order(avatar(system, "ada", MANY_STEPS), 1)

    async def is_being_made() -> bool:
        rows = await system.rows(
            "select 1 from attempts where task_id = $1 and call_id is not null", task_id
        )
        return len(rows) == 1

    await eventually(is_being_made, 60)
    killed = system.pid("generator")
    os.kill(killed, signal.SIGKILL)
    pieces = pieces_of(system, task_id)
    assert system.pid("generator") != killed
    assert {piece["metadata"]["provider"] for piece in pieces} == {"sdxl_local"}
    rows = await system.rows(
        "select outcome, count(*) from attempts where task_id = $1 group by outcome", task_id
    )
    # Nothing of the dead process's is in doubt: a device of one's own bills nothing.
    assert {row["outcome"]: row["count"] for row in rows} == {"failed": 1, "succeeded": 1}
