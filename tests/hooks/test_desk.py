"""Pieces gather at the desk: alike ones together, nobody twice, nobody for long."""

import asyncio
from collections.abc import Sequence

import pytest

from services.hooks.handler.desk import Desk
from services.hooks.handler.jobs import Job, Outcome
from shared.content import Captions, CaptionSource, Lane
from shared.outcomes import TryLater
from tests.builders import image_generated
from tests.eventually import eventually
from tests.hooks.fakes import pieces

LIMIT_S = 30


class Calls:
    """Writes for everybody, a while after it is asked."""

    def __init__(self, takes_s: float = 0.01) -> None:
        self.jobs: list[list[Job]] = []
        self.takes_s = takes_s
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, jobs: Sequence[Job]) -> list[Outcome]:
        self.jobs.append(list(jobs))
        await asyncio.sleep(self.takes_s)
        await self.may_answer.wait()
        return [
            Captions(source=CaptionSource.MODEL, attempt_id=f"{job.piece_id}-{len(self.jobs)}")
            for job in jobs
        ]

    @property
    def sizes(self) -> list[int]:
        return [len(jobs) for jobs in self.jobs]


async def turns(count: int) -> None:
    """Let everybody else go on, several times."""
    for _ in range(count):
        await asyncio.sleep(0)


def desk(calls: Calls, *, linger_s: float = 0.02) -> Desk:
    return Desk(calls, most=10, linger_s=linger_s)


async def test_fifty_that_wait_take_six_calls_at_most_and_each_gets_its_own() -> None:
    calls, events = Calls(), pieces(50)
    at = desk(calls)
    outcomes = await asyncio.gather(*(at(event) for event in events))
    assert len(calls.sizes) <= 6
    for event, outcome in zip(events, outcomes, strict=True):
        assert isinstance(outcome, Captions)
        assert outcome.attempt_id.startswith(event.piece_id)


@pytest.mark.parametrize(
    "other",
    [
        {"avatar_id": "another"},
        {"platform": "x"},
        {"language": "es"},
        {"personality_tone": "elegant"},
    ],
)
async def test_who_differs_is_asked_about_in_another_call(other: dict[str, object]) -> None:
    calls = Calls()
    at = desk(calls)
    await asyncio.gather(*(at(event) for event in (*pieces(3), *pieces(3, **other))))
    for jobs in calls.jobs:
        assert (
            len({(job.brief.avatar_id, job.brief.platform, job.brief.language) for job in jobs})
            == 1
        )
        assert len({job.brief.personality_tone for job in jobs}) == 1


async def test_other_tenants_are_never_in_one_call() -> None:
    calls = Calls()
    at = desk(calls)
    strangers = [event.model_copy(update={"tenant": "stranger"}) for event in pieces(3)]
    await asyncio.gather(*(at(event) for event in (*pieces(3), *strangers)))
    assert all(len({job.tenant for job in jobs}) == 1 for jobs in calls.jobs)


@pytest.mark.parametrize("lane", [None, Lane.INTERACTIVE])
async def test_one_alone_that_somebody_may_wait_for_does_not_linger(lane: Lane | None) -> None:
    calls, (event,) = Calls(takes_s=0), pieces(1)
    async with asyncio.timeout(LIMIT_S):
        await desk(calls, linger_s=10 * LIMIT_S)(event.model_copy(update={"lane": lane}))
    assert calls.sizes == [1]


async def test_who_is_waited_for_does_not_linger_in_company_either() -> None:
    calls, events = Calls(takes_s=0), pieces(3)
    at = desk(calls, linger_s=10 * LIMIT_S)
    bulk = [
        asyncio.create_task(at(event.model_copy(update={"lane": Lane.BULK})))
        for event in events[:2]
    ]
    async with asyncio.timeout(LIMIT_S):
        await at(events[2].model_copy(update={"lane": Lane.INTERACTIVE}))
    assert calls.sizes == [1]
    for task in bulk:
        task.cancel()


async def test_pieces_that_nobody_waits_for_linger_for_those_that_come_a_little_later() -> None:
    calls, tasks = Calls(takes_s=0), []
    at = desk(calls, linger_s=1)
    for event in pieces(5):
        tasks.append(asyncio.create_task(at(event.model_copy(update={"lane": Lane.BULK}))))
        await turns(5)
    await asyncio.gather(*tasks)
    assert calls.sizes == [5]


async def test_a_piece_that_comes_again_hears_the_same_and_is_written_for_once() -> None:
    calls, (event,) = Calls(takes_s=0), pieces(1)
    calls.may_answer.clear()
    at = desk(calls)
    first = asyncio.create_task(at(event))
    await eventually(lambda: calls.jobs)
    first.cancel()
    second = asyncio.create_task(at(event))
    await turns(5)
    calls.may_answer.set()
    outcome = await second
    assert calls.sizes == [1]
    assert isinstance(outcome, Captions)


async def test_another_run_of_a_piece_is_not_written_for_at_the_same_time() -> None:
    calls, (event,) = Calls(), pieces(1)
    at = desk(calls)
    next_run = event.model_copy(update={"run": 2})
    one, two = await asyncio.gather(at(event), at(next_run))
    assert calls.sizes == [1, 1]
    assert one != two


async def test_what_stands_against_one_is_told_to_that_one() -> None:
    async def write(jobs: Sequence[Job]) -> list[Outcome]:
        return [TryLater("away") for _ in jobs]

    outcome = await Desk(write, most=10, linger_s=0)(image_generated())
    assert isinstance(outcome, TryLater)


async def test_nothing_is_remembered_of_those_who_are_gone() -> None:
    at = desk(Calls())
    await asyncio.gather(*(at(event) for event in pieces(12)))
    await asyncio.sleep(0)
    assert at.waiting == 0
