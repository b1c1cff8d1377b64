"""What goes wrong, goes wrong for whom it must, and the engine lives."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
import torch
from structlog.testing import capture_logs

from services.generator.sdxl.components import Components
from services.generator.sdxl.engine import DEGRADED_AFTER, Engine
from services.generator.sdxl.wishes import (
    EngineState,
    FailureCode,
    NoPicture,
    Picture,
    QueueFull,
    Wish,
)
from tests.eventually import PATIENCE_S, eventually
from tests.generator.sdxl.engines import (
    LIMITS,
    PLAIN,
    CannedLibrary,
    Memory,
    an_engine,
    difference,
    with_lora,
)
from tests.generator.sdxl.tiny import tiny_components

ENDLESS = replace(PLAIN, steps=1000)


class Breaking:
    """A UNet that breaks while `breaks` says so."""

    def __init__(self, components: Components, breaks: Callable[[], bool]) -> None:
        self.breaks = breaks
        components.unet.register_forward_pre_hook(self)

    def __call__(self, module: Any, args: tuple[torch.Tensor, ...]) -> None:
        if self.breaks():
            raise RuntimeError("broken, says the test")


async def failure_of(engine: Engine, wish: Wish) -> NoPicture:
    with pytest.raises(NoPicture) as refusal:
        await engine.generate(wish)
    return refusal.value


async def started(engine: Engine, wish: Wish) -> "asyncio.Task[Picture]":
    """Under way, with a step behind it."""
    begun = asyncio.Event()
    task = asyncio.create_task(engine.generate(wish, on_step=lambda *_: begun.set()))
    await begun.wait()
    return task


async def test_out_of_memory_is_tried_again_smaller() -> None:
    components = tiny_components()
    memory = Memory(components, rows=4)
    wishes = [with_lora(seed, wish=replace(PLAIN, seed=seed)) for seed in range(4)]
    async with an_engine(components=components) as engine:
        together = await asyncio.gather(*map(engine.generate, wishes))
        figures = engine.figures()
        alone = [await engine.generate(wish) for wish in wishes]
    assert memory.ran_out == 1, "once it ran out, no more are tried"
    assert max(figures.batches) == 2
    assert all(difference(*pair) <= 1 for pair in zip(together, alone, strict=True))


async def test_out_of_memory_for_good_fails_these_and_no_others() -> None:
    components = tiny_components()
    memory = Memory(components, rows=0)
    async with an_engine(components=components) as engine:
        failures = await asyncio.gather(*(failure_of(engine, PLAIN) for _ in range(3)))
        memory.rows = 100
        after = await engine.generate(PLAIN)
        health, figures = engine.health(), engine.figures()
    async with an_engine() as fresh:
        expected = await fresh.generate(PLAIN)
    assert {failure.code for failure in failures} == {FailureCode.CUDA_OOM}
    assert after.png == expected.png
    assert (health.state, health.running, health.slots_taken) == (EngineState.READY, 0, 0)
    assert figures.failures == {FailureCode.CUDA_OOM: 3}


async def test_a_broken_step_fails_its_batch_and_many_degrade_the_engine() -> None:
    components = tiny_components()
    broken = Breaking(components, lambda: True)
    async with an_engine(components=components) as engine:
        for _ in range(DEGRADED_AFTER):
            assert engine.health().state is EngineState.READY
            failure = await failure_of(engine, with_lora(1))
            assert failure.code is FailureCode.GENERATION_FAILED
        assert engine.health().state is EngineState.DEGRADED
        broken.breaks = lambda: False
        await engine.generate(PLAIN)
        assert engine.health().state is EngineState.READY


async def test_a_broken_step_of_one_size_leaves_the_other_alone() -> None:
    components = tiny_components()
    async with an_engine(components=components) as engine:
        task = await started(engine, replace(PLAIN, steps=30))
        calls = iter([True])
        Breaking(components, lambda: next(calls, False))
        other = asyncio.gather(
            engine.generate(replace(PLAIN, width=96)), task, return_exceptions=True
        )
        failed = [one for one in await other if isinstance(one, NoPicture)]
    assert [failure.code for failure in failed] == [FailureCode.GENERATION_FAILED]


async def test_a_picture_of_nothing_is_none() -> None:
    components = tiny_components()
    with torch.no_grad():
        # Of one colour only: the others look as if nothing were wrong.
        components.vae.decoder.conv_out.bias[0] = float("nan")
    async with an_engine(components=components) as engine:
        assert (await failure_of(engine, PLAIN)).code is FailureCode.GENERATION_FAILED


async def test_a_black_picture_is_none() -> None:
    components = tiny_components()
    with torch.no_grad():
        components.vae.decoder.conv_out.bias.fill_(-1e6)
    async with an_engine(components=components) as engine:
        assert (await failure_of(engine, PLAIN)).code is FailureCode.GENERATION_FAILED


async def test_a_limit_ends_a_wish_that_is_under_way() -> None:
    async with an_engine() as engine:
        failure = await failure_of(engine, replace(ENDLESS, limit_s=0.2))
        assert failure.code is FailureCode.TIMEOUT
        taken = engine.figures().samples
        await engine.generate(PLAIN)
        # One step may have been under way.
        assert engine.figures().samples <= taken + 1 + PLAIN.steps
        assert engine.health().running == 0


async def test_a_limit_counts_while_the_weights_are_fetched() -> None:
    class Slow(CannedLibrary):
        async def weights(self, url: str, *, limit_s: float) -> Any:
            await asyncio.Event().wait()

    async with an_engine(library=Slow()) as engine:
        failure = await failure_of(engine, replace(with_lora(1), limit_s=0.02))
    assert failure.code is FailureCode.TIMEOUT


async def test_cancelling_frees_the_seat_and_the_slot() -> None:
    async with an_engine(replace(LIMITS, batch=1, slots=1)) as engine:
        task = await started(engine, with_lora(1, wish=ENDLESS))
        assert engine.health().slots_taken == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await engine.generate(with_lora(2))
        await eventually(lambda: engine.health().slots_taken == 0)


async def test_a_full_queue_says_when_to_come_again() -> None:
    async with an_engine(replace(LIMITS, batch=1, waiting=2)) as engine:
        running = await started(engine, ENDLESS)
        waiting = [asyncio.create_task(engine.generate(PLAIN)) for _ in range(2)]
        await asyncio.sleep(0)
        health = engine.health()
        assert (health.running, health.waiting, health.room) == (1, 2, 0)
        with pytest.raises(QueueFull) as refusal:
            await engine.generate(PLAIN)
        assert 1 <= refusal.value.retry_after_s <= 60
        running.cancel()
        await asyncio.gather(*waiting)
        await engine.generate(PLAIN)
        assert engine.health().room == 2


async def test_closing_lets_end_what_has_begun_and_refuses_the_rest() -> None:
    components, steps, go_on = tiny_components(), count(1), Event()

    def rest_after_the_first(*_: object) -> None:
        if next(steps) > 1:
            go_on.wait(PATIENCE_S)

    components.unet.register_forward_pre_hook(rest_after_the_first)
    engine = Engine(components, CannedLibrary(), replace(LIMITS, batch=1))
    await engine.start()
    running = await started(engine, PLAIN)
    waiting = asyncio.create_task(engine.generate(PLAIN))
    await asyncio.sleep(0)
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert (await running).steps == PLAIN.steps
    with pytest.raises(NoPicture, match="closing"):
        await waiting
    assert (await failure_of(engine, PLAIN)).code is FailureCode.GENERATION_FAILED


async def test_closing_waits_no_longer_than_the_grace() -> None:
    engine = Engine(tiny_components(), CannedLibrary(), replace(LIMITS, closing_s=0.05))
    await engine.start()
    running = await started(engine, ENDLESS)
    await engine.close()
    with pytest.raises(NoPicture, match="closing"):
        await running


async def test_closing_waits_for_no_lora_that_nobody_will_use() -> None:
    engine = Engine(tiny_components(), CannedLibrary(), replace(LIMITS, closing_s=0))
    await engine.start()
    waiting = [
        asyncio.create_task(engine.generate(with_lora(seed, wish=ENDLESS))) for seed in range(8)
    ]
    await eventually(lambda: engine.health().slots_taken == LIMITS.slots)
    await engine.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, NoPicture) for answer in answers)
    await eventually(lambda: not [one for one in enumerate_threads() if "sdxl" in one.name])


async def test_who_needs_no_slot_passes_those_who_wait_for_one() -> None:
    async with an_engine(replace(LIMITS, slots=1)) as engine:
        holding = await started(engine, with_lora(1, wish=ENDLESS))
        ended: list[str] = []
        blocked = asyncio.create_task(engine.generate(with_lora(2)))
        # It came later and would keep the slot from the other.
        later = asyncio.create_task(engine.generate(with_lora(1)))
        blocked.add_done_callback(lambda _: ended.append("blocked"))
        later.add_done_callback(lambda _: ended.append("later"))
        await engine.generate(PLAIN)
        assert not ended
        holding.cancel()
        await asyncio.gather(blocked, later)
    assert ended == ["blocked", "later"]


async def test_before_it_is_ready_it_says_so() -> None:
    engine = Engine(tiny_components(), CannedLibrary(), LIMITS)
    assert engine.health().state is EngineState.LOADING
    assert (await failure_of(engine, PLAIN)).code is FailureCode.MODEL_LOAD_FAILED
    await engine.close()


async def test_a_model_that_cannot_be_used_is_told_of() -> None:
    components = replace(tiny_components(), scheduler_config={}, unet=None)
    engine = Engine(components, CannedLibrary(), LIMITS)
    with pytest.raises(NoPicture) as refusal:
        await engine.start()
    assert refusal.value.code is FailureCode.MODEL_LOAD_FAILED
    assert engine.health().state is EngineState.DEGRADED
    await engine.close()


@pytest.mark.parametrize(
    "wish",
    [
        replace(PLAIN, prompt="  "),
        replace(PLAIN, width=100),
        replace(PLAIN, height=32),
        replace(PLAIN, steps=0),
        replace(PLAIN, cfg=float("nan")),
    ],
)
async def test_refuses_what_cannot_be_drawn(wish: Wish) -> None:
    async with an_engine() as engine:
        assert (await failure_of(engine, wish)).code is FailureCode.INVALID_PROMPT


async def test_what_cannot_be_begun_is_its_own_trouble_and_is_in_the_log_without_its_words() -> (
    None
):
    components = tiny_components()
    prompt = "a canary by the lake"

    def breaks(*_: object) -> None:
        raise RuntimeError(f"{prompt} broke")

    hook = components.text_encoders[0].register_forward_pre_hook(breaks)
    async with an_engine(components=components) as engine:
        with capture_logs() as said:
            failure = await failure_of(engine, replace(PLAIN, prompt=prompt))
        hook.remove()
        assert await engine.generate(PLAIN)
    assert failure.code is FailureCode.GENERATION_FAILED
    assert [line["event"] for line in said] == ["sdxl.not_begun"]
    assert prompt not in repr(said)
