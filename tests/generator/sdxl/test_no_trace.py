"""Whatever went before, a wish without LoRA gives the bytes that a fresh engine gives."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.sdxl.engine import Engine
from services.generator.sdxl.weights import LoraWeights
from services.generator.sdxl.wishes import FailureCode, NoPicture, Wish
from tests.generator.sdxl.engines import (
    LIMITS,
    PLAIN,
    TARGETS,
    CannedLibrary,
    an_engine,
    spoilt,
    with_lora,
)
from tests.generator.sdxl.tiny import lora_weights, tiny_components

BAD: dict[str, LoraWeights | NoPicture] = {
    "nan": spoilt(lora_weights(90, targets=TARGETS), float("nan")),
    "huge": spoilt(lora_weights(91, targets=TARGETS), 1e38),
    "too-wide": lora_weights(92, rank=LIMITS.rank + 1, targets=TARGETS),
    "gone": NoPicture(FailureCode.LORA_DOWNLOAD_FAILED, "gone"),
}
ACTIONS = ["a", "b", "none", "cancelled", "late", "other-size", *BAD]
WISHES = {
    "a": with_lora(1),
    "b": with_lora(2, 0.5, replace(PLAIN, steps=2)),
    "none": replace(PLAIN, seed=1),
    "cancelled": with_lora(3, wish=replace(PLAIN, steps=8)),
    "late": with_lora(4, wish=replace(PLAIN, steps=200, limit_s=0.03)),
    "other-size": with_lora(5, wish=replace(PLAIN, width=96, steps=2)),
    **{name: with_lora(name, wish=replace(PLAIN, steps=2)) for name in BAD},
}


@pytest.fixture(scope="module")
def used() -> Iterator[Engine]:
    """One engine for every sequence: traces would add up."""
    engine = Engine(tiny_components(), CannedLibrary(dict(BAD)), LIMITS)
    asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.close())


@pytest.fixture(scope="module")
def fresh() -> bytes:
    async def drawn() -> bytes:
        async with an_engine() as engine:
            return (await engine.generate(PLAIN)).png

    return asyncio.run(drawn())


async def act(engine: Engine, action: str) -> None:
    wish: Wish = WISHES[action]
    with contextlib.suppress(NoPicture, asyncio.CancelledError):
        if action != "cancelled":
            await engine.generate(wish)
            return
        begun = asyncio.Event()
        task = asyncio.create_task(engine.generate(wish, on_step=lambda *_: begun.set()))
        await begun.wait()
        task.cancel()
        await task


@settings(max_examples=8)
@given(st.lists(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4), max_size=3))
def test_nothing_leaves_a_trace(used: Engine, fresh: bytes, bursts: list[list[str]]) -> None:
    async def play() -> bytes:
        for burst in bursts:
            await asyncio.gather(*(act(used, action) for action in burst))
        picture = await used.generate(PLAIN)
        assert picture.largest_batch == 1
        return picture.png

    assert asyncio.run(play()) == fresh
    assert used.health().slots_taken == 0


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("nan", FailureCode.LORA_LOAD_FAILED),
        ("too-wide", FailureCode.LORA_LOAD_FAILED),
        ("huge", FailureCode.GENERATION_FAILED),
        ("gone", FailureCode.LORA_DOWNLOAD_FAILED),
    ],
)
def test_bad_weights_fail_their_own_wish_alone(
    used: Engine, fresh: bytes, link: str, code: FailureCode
) -> None:
    async def play() -> tuple[BaseException, bytes]:
        bad, good = await asyncio.gather(
            used.generate(with_lora(link)), used.generate(with_lora(1)), return_exceptions=True
        )
        assert isinstance(bad, NoPicture)
        assert not isinstance(good, BaseException)
        assert good.lora is not None
        return bad, (await used.generate(PLAIN)).png

    failure, after = asyncio.run(play())
    assert isinstance(failure, NoPicture)
    assert failure.code is code
    assert after == fresh


def test_text_encoders_bear_a_lora_for_one_prompt_only(used: Engine, fresh: bytes) -> None:
    async def play() -> tuple[bytes, bytes, bytes]:
        # Not remembered from before: the encoders themselves are asked.
        bare = replace(PLAIN, prompt="nobody said this")
        first = await used.generate(with_lora(6, wish=bare))
        plain = await used.generate(bare)
        async with an_engine() as engine:
            expected = await engine.generate(bare)
        return first.png, plain.png, expected.png

    borne, plain, expected = asyncio.run(play())
    assert plain == expected
    assert borne != plain
