"""What many want at the same time is done once."""

import asyncio
from collections import Counter

import pytest

from services.gateway.adapters.api_keys import RememberedKeys
from services.gateway.domain.same_work import SameWork
from tests.eventually import eventually
from tests.gateway.backend import Backend
from tests.gateway.conftest import World

BATCH = "/api/v1/content/batch"
CROWD = 50


class Slow:
    """Work that ends when it is told to; counts how often it was begun."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self._failure = failure

    async def __call__(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        if self._failure:
            raise self._failure
        return self.begun


async def crowd(work: SameWork[str, int], slow: Slow) -> list[asyncio.Task[tuple[int, bool]]]:
    waiting = [asyncio.create_task(work.do("it", slow)) for _ in range(CROWD)]
    await eventually(lambda: slow.begun)
    return waiting


async def test_everybody_gets_the_one_outcome_and_one_is_the_first() -> None:
    work, slow = SameWork[str, int](), Slow()
    waiting = await crowd(work, slow)
    slow.may_end.set()
    assert Counter(await asyncio.gather(*waiting)) == {(1, True): 1, (1, False): CROWD - 1}


async def test_everybody_is_told_of_the_one_failure_and_the_next_tries_anew() -> None:
    work, slow = SameWork[str, int](), Slow(ValueError("no"))
    waiting = await crowd(work, slow)
    slow.may_end.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ValueError}
    with pytest.raises(ValueError, match="no"):
        await work.do("it", slow)
    assert slow.begun == 2


async def test_who_began_may_leave_without_taking_it_from_the_others() -> None:
    work, slow = SameWork[str, int](), Slow()
    first, *others = await crowd(work, slow)
    first.cancel()
    slow.may_end.set()
    assert {outcome for outcome, _ in await asyncio.gather(*others)} == {1}


async def test_different_work_does_not_wait_for_each_other() -> None:
    work, slow, quick = SameWork[str, int](), Slow(), Slow()
    quick.may_end.set()
    waiting = await crowd(work, slow)
    assert await work.do("another", quick) == (1, True)
    slow.may_end.set()
    await asyncio.gather(*waiting)


async def test_a_crowd_by_one_key_asks_the_others_once(world: World) -> None:
    order, by_key = {"avatar_id": "ada", "num_pieces": 1}, {"Idempotency-Key": "crowd"}
    async with world.client(keys=RememberedKeys(world.backend)) as client:
        asking = (client.post(BATCH, json=order, headers=by_key) for _ in range(CROWD))
        answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {202}
    [_task_id] = {answer.json()["task_id"] for answer in answers}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == CROWD - 1
    assert world.backend.asked.count("ledger.task.accept") == 1
    assert world.backend.asked.count("ledger.key.find") == 1


async def test_a_revoked_key_is_not_let_in_by_a_question_from_before() -> None:
    backend = Backend()
    may_answer = asyncio.Event()

    async def slowly(call: object, request: object, *, timeout_s: float | None = None) -> object:
        answer: object = await backend(call, request)  # type: ignore[type-var, arg-type]
        if backend.asked == ["ledger.key.find"]:
            await may_answer.wait()
        return answer

    keys = RememberedKeys(slowly)  # type: ignore[arg-type]
    before = asyncio.create_task(keys.find("k1"))
    await eventually(lambda: backend.asked)
    del backend.keys["k1"]
    keys.forget("k1")
    async with asyncio.timeout(30):
        assert await keys.find("k1") is None
    may_answer.set()
    await before
    assert not keys.knows("k1")
