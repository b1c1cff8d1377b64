"""Calls between services: answers, refusals, silence and the end of a replica."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from shared import rpc
from shared.content import Value
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import MAX_REPLY_BYTES, Call, Caller
from shared.service import Service
from shared.subscriptions import confirmed
from tests.eventually import PATIENCE_S, eventually
from tests.runtime.pipeline import Pipeline


class Question(Value):
    words: str
    wait_s: float = 0


class Answer(Value):
    words: str


class OtherQuestion(Value):
    number: int


ASK = Call("tests.ask", Question, Answer)
MISSPELT = Call("tests.ask", OtherQuestion, Answer)

Handler = Callable[[Question], Awaitable[Answer]]


async def echo(question: Question) -> Answer:
    await asyncio.sleep(question.wait_s)
    return Answer(words=question.words)


async def answering(pipeline: Pipeline, handler: Handler, *, workers: int = 16) -> Service:
    service = await pipeline.open()
    service.answer(ASK, handler, workers=workers)
    await service.broker.start()
    await confirmed(service.nc)
    return service


@pytest.fixture
async def ask(pipeline: Pipeline) -> Caller:
    return (await pipeline.open()).call


async def test_an_answer_comes_back(pipeline: Pipeline, ask: Caller) -> None:
    await answering(pipeline, echo)
    assert await ask(ASK, Question(words="über")) == Answer(words="über")


async def test_a_refusal_travels_whole(pipeline: Pipeline, ask: Caller) -> None:
    async def refuse(_question: Question) -> Answer:
        raise Problem(409, "idempotency_conflict", "Another body.", field="words")

    await answering(pipeline, refuse)
    with pytest.raises(Problem) as refusal:
        await ask(ASK, Question(words="x"))
    details = refusal.value.details
    assert (details.status, details.code, details.field) == (409, "idempotency_conflict", "words")


async def patiently(ask: Caller, words: str, *, wait_s: float = 0) -> Answer:
    return await ask(ASK, Question(words=words, wait_s=wait_s), timeout_s=PATIENCE_S)


async def test_nobody_there_is_known_at_once(ask: Caller) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(TryLater):
            await ask(ASK, Question(words="x"), timeout_s=2 * PATIENCE_S)


async def test_an_answer_that_takes_too_long_is_not_waited_for(
    pipeline: Pipeline, ask: Caller
) -> None:
    await answering(pipeline, echo)
    with pytest.raises(TryLater):
        await ask(ASK, Question(words="x", wait_s=0.8), timeout_s=0.1)


async def test_try_later_travels_as_try_later(pipeline: Pipeline, ask: Caller) -> None:
    async def busy(_question: Question) -> Answer:
        raise TryLater("the database is away")

    await answering(pipeline, busy)
    with pytest.raises(TryLater, match="database"):
        await ask(ASK, Question(words="x"))


async def test_a_request_that_is_not_understood_is_the_callers_fault(
    pipeline: Pipeline, ask: Caller
) -> None:
    await answering(pipeline, echo)
    with pytest.raises(Problem) as refusal:
        await ask(MISSPELT, OtherQuestion(number=1))
    details = refusal.value.details
    assert (details.status, details.code, details.field) == (422, "invalid_request", "words")


async def invalid_inside(_question: Question) -> Answer:
    return Answer.model_validate({"words": {"hunter2": 1}})


async def plain_bug(_question: Question) -> Answer:
    raise RuntimeError("hunter2")


@pytest.mark.parametrize("handler", [plain_bug, invalid_inside])
async def test_a_bug_is_ours_and_tells_nothing_of_the_inside(
    pipeline: Pipeline, ask: Caller, handler: Handler
) -> None:
    await answering(pipeline, handler)
    with capture_logs() as lines, pytest.raises(Problem) as refusal:
        await ask(ASK, Question(words="x"))
    assert (refusal.value.details.status, refusal.value.details.code) == (500, "internal_error")
    assert "hunter2" not in refusal.value.details.model_dump_json()
    assert [line["call"] for line in lines if line["event"] == "rpc.failed"] == [ASK.name]


async def test_a_reply_that_fits_no_message_is_refused(pipeline: Pipeline, ask: Caller) -> None:
    async def talkative(_question: Question) -> Answer:
        return Answer(words="ü" * (MAX_REPLY_BYTES // 2))

    await answering(pipeline, talkative)
    with pytest.raises(Problem, match="reply_too_large"):
        await ask(ASK, Question(words="x"))


async def test_slow_calls_do_not_hold_up_others(pipeline: Pipeline, ask: Caller) -> None:
    begun: list[str] = []
    release = asyncio.Event()

    async def hold_the_slow(question: Question) -> Answer:
        if question.words == "slow":
            begun.append(question.words)
            await release.wait()
        return await echo(question)

    await answering(pipeline, hold_the_slow, workers=4)
    slow = [asyncio.create_task(patiently(ask, "slow")) for _ in range(3)]
    await eventually(lambda: len(begun) == 3)
    await patiently(ask, "quick")
    assert not any(call.done() for call in slow)
    release.set()
    await asyncio.gather(*slow)


async def test_no_more_calls_than_workers_are_answered_at_a_time(
    pipeline: Pipeline, ask: Caller
) -> None:
    under_way = most = 0

    async def counting(question: Question) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await echo(question)

    await answering(pipeline, counting, workers=3)
    await asyncio.gather(*(patiently(ask, str(n)) for n in range(20)))
    assert most == 3


async def test_two_replicas_share_the_calls(pipeline: Pipeline, ask: Caller) -> None:
    counts = [0, 0]

    def counting(index: int) -> Handler:
        async def handle(question: Question) -> Answer:
            counts[index] += 1
            return await echo(question)

        return handle

    for index in (0, 1):
        await answering(pipeline, counting(index))
    await asyncio.gather(*(patiently(ask, str(n)) for n in range(60)))
    assert sum(counts) == 60
    assert min(counts) > 10


async def test_a_replica_that_leaves_loses_no_call(pipeline: Pipeline, ask: Caller) -> None:
    leaving = await answering(pipeline, echo)
    await answering(pipeline, echo)
    calls = [asyncio.create_task(patiently(ask, str(n), wait_s=0.3)) for n in range(8)]
    await asyncio.sleep(0.05)
    stopping = asyncio.create_task(leaving.broker.stop_answering())
    while not stopping.done():
        calls.append(asyncio.create_task(patiently(ask, "late")))
        await asyncio.sleep(0.01)
    answers = await asyncio.gather(*calls)
    assert len(answers) > 8


async def test_a_call_that_waits_for_its_turn_is_answered_by_a_replica_that_leaves(
    pipeline: Pipeline, ask: Caller
) -> None:
    begun = asyncio.Event()

    async def slowly(question: Question) -> Answer:
        begun.set()
        await asyncio.sleep(0.1)
        return await echo(question)

    leaving = await answering(pipeline, slowly, workers=1)
    calls = [asyncio.create_task(patiently(ask, str(n))) for n in range(4)]
    await begun.wait()
    await confirmed(leaving.nc)
    await leaving.broker.stop_answering()
    answers = await asyncio.gather(*calls)
    assert [answer.words for answer in answers] == ["0", "1", "2", "3"]


async def test_an_answer_that_outlives_the_grace_does_not_hold_up_the_end(
    pipeline: Pipeline, ask: Caller
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def forever(_question: Question) -> Answer:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("unreachable")

    service = await pipeline.open()
    one = rpc.answering(service.topology, ASK, forever)
    await one.start(service.nc)
    await confirmed(service.nc)
    call = asyncio.create_task(ask(ASK, Question(words="x"), timeout_s=1))
    await begun.wait()
    await one.stop(service.nc, grace_s=0.01)
    assert ended.is_set()
    with pytest.raises(TryLater):
        await call


async def test_the_last_call_is_answered_before_the_hooks_close_things(
    pipeline: Pipeline, ask: Caller
) -> None:
    service = await pipeline.open()
    begun, order = asyncio.Event(), list[str]()

    async def slowly(question: Question) -> Answer:
        begun.set()
        await asyncio.sleep(0.3)
        order.append("answered")
        return Answer(words=question.words)

    async def close() -> None:
        order.append("closed")

    service.answer(ASK, slowly)
    service.on_stop(close)
    async with AsyncExitStack() as stack:
        await service.broker.start()
        stack.push_async_callback(service.broker.stop)
        await service.start()
        call = asyncio.create_task(patiently(ask, "x"))
        await begun.wait()
        await service.stop()
        assert (await call).words == "x"
    await eventually(lambda: order == ["answered", "closed"])


async def test_a_request_that_fits_no_message_is_refused(pipeline: Pipeline, ask: Caller) -> None:
    await answering(pipeline, echo)
    with pytest.raises(Problem) as refusal:
        await ask(ASK, Question(words="x" * 9_000_000))
    assert (refusal.value.details.status, refusal.value.details.code) == (413, "request_too_large")
