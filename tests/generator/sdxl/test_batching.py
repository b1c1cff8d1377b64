"""Many wishes in one batch: each gets the picture it would have got alone.

A batch of another size may round otherwise. In float32 on a CPU that shows in no byte, or in one
that lies between two values: the bound is 1 of 255.
"""

import asyncio
from dataclasses import replace

from services.generator.sdxl.engine import Engine
from services.generator.sdxl.wishes import Picture, Wish
from shared.content import Lane
from shared.samplers import SamplerName
from tests.generator.sdxl.engines import (
    LIMITS,
    PLAIN,
    SMALL,
    CannedLibrary,
    an_engine,
    difference,
    with_lora,
)
from tests.generator.sdxl.tiny import small_components

BOUND = 1


async def one_by_one(engine: Engine, wishes: list[Wish]) -> list[Picture]:
    return [await engine.generate(wish) for wish in wishes]


async def test_loras_samplers_steps_and_prompts_share_a_batch() -> None:
    wishes = [
        with_lora(1),
        replace(PLAIN, seed=8, steps=7, sampler=SamplerName.EULER_ANCESTRAL),
        with_lora(2, 0.5, replace(PLAIN, prompt="another one", cfg=3.0)),
        with_lora(1, 0.3, replace(PLAIN, seed=9, sampler=SamplerName.DPMPP_2M, steps=6)),
    ]
    async with an_engine() as engine:
        together = await asyncio.gather(*map(engine.generate, wishes))
        alone = await one_by_one(engine, wishes)
    assert max(picture.largest_batch for picture in together) == 4
    assert {picture.largest_batch for picture in alone} == {1}
    assert all(difference(*pair) <= BOUND for pair in zip(together, alone, strict=True))
    assert all(difference(alone[0], other) > 20 for other in alone[1:]), "they have to differ"


async def test_who_joins_midway_changes_nothing_for_either() -> None:
    longer, later = replace(PLAIN, steps=12), with_lora(1, wish=replace(PLAIN, seed=8))
    async with an_engine() as engine:
        joined: list[asyncio.Task[Picture]] = []

        def at_step(done: int, _: int) -> None:
            if done == 3:
                joined.append(asyncio.create_task(engine.generate(later)))

        first = await engine.generate(longer, on_step=at_step)
        second = await joined[0]
        alone = await one_by_one(engine, [longer, later])
    assert (first.largest_batch, second.largest_batch) == (2, 2)
    assert difference(first, alone[0]) <= BOUND
    assert difference(second, alone[1]) <= BOUND


async def test_two_strengths_of_one_lora_share_its_slot() -> None:
    async with an_engine() as engine:
        weak, strong = await asyncio.gather(
            engine.generate(with_lora(1, 0.2)), engine.generate(with_lora(1, 1.0))
        )
        figures = engine.figures()
    assert figures.lora_copies == 1
    assert difference(weak, strong) > 20


async def test_sizes_and_unguided_ones_run_beside_each_other() -> None:
    wishes = [PLAIN, replace(PLAIN, width=96), with_lora(1, wish=replace(PLAIN, cfg=1.0))]
    async with an_engine() as engine:
        together = await asyncio.gather(*map(engine.generate, wishes))
        alone = await one_by_one(engine, wishes)
    assert [(picture.width, picture.largest_batch) for picture in together] == [
        (64, 1),
        (96, 1),
        (64, 1),
    ]
    assert all(one.png == other.png for one, other in zip(together, alone, strict=True))


async def test_no_batch_is_larger_than_the_limit() -> None:
    async with an_engine(replace(LIMITS, batch=2)) as engine:
        await asyncio.gather(*(engine.generate(replace(PLAIN, seed=seed)) for seed in range(5)))
        figures = engine.figures()
    assert max(figures.batches) == 2
    assert figures.samples == 5 * PLAIN.steps


async def test_hundreds_of_loras_pass_through_four_slots() -> None:
    # Drawn as avatars are: a few are asked for again and again.
    asked = [number if number % 2 == 0 else number // 2 % 2 for number in range(440)]
    library = CannedLibrary(targets=SMALL)
    async with an_engine(replace(LIMITS, waiting=440), library, small_components()) as engine:
        pictures = await asyncio.gather(
            *(engine.generate(with_lora(seed, wish=replace(PLAIN, steps=1))) for seed in asked)
        )
        figures, health = engine.figures(), engine.health()
    assert len({picture.lora.sha256 for picture in pictures if picture.lora}) == len(set(asked))
    assert len(set(asked)) > 200
    assert figures.slot_hits + figures.slot_misses == len(asked)
    assert figures.lora_copies == figures.slot_misses
    assert figures.slot_evictions == figures.slot_misses - LIMITS.slots
    assert figures.slot_hits > 100
    assert figures.samples_per_step > 2
    assert health.slots_taken == 0


async def test_a_bulk_image_makes_room_and_goes_on_where_it_was() -> None:
    bulk = replace(PLAIN, lane=Lane.BULK, steps=12)
    async with an_engine(replace(LIMITS, batch=1)) as engine:
        ended: list[str] = []
        urgent: list[asyncio.Task[Picture]] = []

        async def hurried() -> Picture:
            picture = await engine.generate(with_lora(1))
            ended.append("interactive")
            return picture

        def at_step(done: int, _: int) -> None:
            if done == 2:
                urgent.append(asyncio.create_task(hurried()))

        slow = await engine.generate(bulk, on_step=at_step)
        ended.append("bulk")
        await urgent[0]
        figures = engine.figures()
        alone = await engine.generate(bulk)
    assert ended == ["interactive", "bulk"]
    assert figures.parked == 1
    assert slow.png == alone.png


async def test_steps_are_told_in_order_and_all_of_them() -> None:
    told: list[tuple[int, int]] = []
    async with an_engine() as engine:
        await engine.generate(PLAIN, on_step=lambda *step: told.append(step))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


async def test_a_picture_says_all_that_is_needed_to_make_it_again() -> None:
    async with an_engine() as engine:
        picture = await engine.generate(replace(with_lora(3, 0.4), seed=None))
        again = await engine.generate(replace(with_lora(3, 0.4), seed=picture.seed))
    assert again.png == picture.png
    assert picture.lora is not None
    assert (picture.lora.sha256, picture.lora.scale, picture.lora.rank) == (f"{3:064x}", 0.4, 4)
    assert (picture.base_model, picture.device, picture.dtype) == ("tiny-sdxl", "cpu", "float32")
    assert {"torch", "diffusers", "transformers"} <= set(picture.versions)
    assert picture.duration_s > 0


async def test_an_idle_engine_takes_no_rounds() -> None:
    async with an_engine() as engine:
        await engine.generate(PLAIN)
        rounds = engine._loop.rounds  # noqa: SLF001
        assert rounds is not None
        played = 0
        play = rounds.play

        def counted() -> bool:
            nonlocal played
            played += 1
            return play()

        rounds.play = counted  # type: ignore[method-assign]
        await asyncio.sleep(0.05)
        # The one that the end of the wish may have asked for.
        assert played <= 1
        assert engine.figures().idle_share > 0
