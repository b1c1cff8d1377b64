"""Orders that are submitted and polled for, and how long their results are kept."""

import asyncio
import re

import pytest

from services.generator.sdxl.wishes import FailureCode, NoPicture, QueueFull
from services.generator.worker.making import Made
from services.generator.worker.results import Reply, Results
from tests.eventually import eventually
from tests.generator.worker.engines import CannedEngine
from tests.generator.worker.served import LINK, Served, served

SUBMIT = "/generate-image/submit"


async def submitted(worker: Served, **fields: object) -> str:
    """The address of the result."""
    answer = await worker.order(SUBMIT, **fields)
    assert answer.status_code == 202
    call_id = answer.json()["call_id"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{20,200}", call_id)
    return f"/generate-image/result/{call_id}"


async def test_a_submitted_order_runs_until_its_image_is_there_to_be_fetched_again() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine) as worker:
        result = await submitted(worker, lora_url=LINK, seed=5)
        running = await worker.client.get(result)
        engine.may_go_on.set()
        while (done := await worker.client.get(result)).status_code == 202:
            pass
        again = await worker.client.get(result)
        direct = await worker.order(lora_url=LINK, seed=5)
    assert (running.status_code, running.headers["retry-after"]) == (202, "2")
    assert done.status_code == 200
    assert done.json() == again.json() == direct.json()


async def test_nobody_needs_to_stay_for_a_submitted_order() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine) as worker:
        result = await submitted(worker)
        await asyncio.sleep(0)
        engine.may_go_on.set()
        await eventually(lambda: not worker.door.making.under_way)
        assert (await worker.client.get(result)).status_code == 200
    assert engine.cancelled == 0


async def test_a_failure_is_a_result_too() -> None:
    failure = NoPicture(FailureCode.LORA_LOAD_FAILED, "not an SDXL LoRA")
    async with served(CannedEngine(failure)) as worker:
        result = await submitted(worker)
        while (answer := await worker.client.get(result)).status_code == 202:
            pass
    assert (answer.status_code, answer.json()["error_code"]) == (422, "LORA_LOAD_FAILED")


async def test_a_result_is_never_a_wish_to_be_asked_again() -> None:
    # Who polls takes 429 for "not yet", and would ask until its patience ends.
    async with served(CannedEngine(QueueFull(3))) as worker:
        result = await submitted(worker)
        while (answer := await worker.client.get(result)).status_code == 202:
            pass
    assert (answer.status_code, answer.json()["error_code"]) == (500, "GENERATION_FAILED")


async def test_what_is_wrong_with_an_order_is_told_at_once() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine, most=1) as worker:
        wrong = await worker.order(SUBMIT, steps=1)
        await submitted(worker)
        full = await worker.order(SUBMIT)
        worker.client.headers.pop("authorization")
        nobody = await worker.order(SUBMIT)
    codes = [each.json()["error_code"] for each in (wrong, full, nobody)]
    assert codes == ["INVALID_REQUEST", "QUEUE_FULL", "UNAUTHORIZED"]


async def test_a_call_that_nobody_knows_is_not_found() -> None:
    async with served(CannedEngine()) as worker:
        answer = await worker.client.get("/generate-image/result/wc-canary")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
    assert "canary" not in answer.text


class Kept:
    """Results, a clock, and orders that end when they are told to."""

    def __init__(self, most: int = 2) -> None:
        self.now = 0.0
        self.results = Results(most=most, keep_s=60, monotonic=lambda: self.now)

    async def ended(self) -> str:
        call_id, reply = self.begun()
        reply.set_result(Made(b"{}"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.now += 1
        return call_id

    def begun(self) -> tuple[str, "asyncio.Future[Reply]"]:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        async def order() -> Reply:
            return await reply

        return self.results.add(asyncio.create_task(order())), reply


async def test_a_result_is_kept_for_its_time() -> None:
    kept = Kept()
    call_id = await kept.ended()
    kept.now = 60
    assert kept.results.find(call_id) is not None
    kept.now = 60.1
    assert kept.results.find(call_id) is None


async def test_the_oldest_goes_when_there_are_too_many_and_one_that_was_fetched_before() -> None:
    kept = Kept()
    first, second = await kept.ended(), await kept.ended()
    third = await kept.ended()
    assert kept.results.find(first) is None
    assert kept.results.find(third) is not None
    fourth = await kept.ended()
    left = [kept.results.find(each) is not None for each in (second, third, fourth)]
    assert left == [True, False, True]


async def test_what_still_runs_is_never_dropped() -> None:
    kept = Kept(most=1)
    running, reply = kept.begun()
    for _ in range(3):
        await kept.ended()
    kept.now = 10_000
    assert kept.results.find(running) is not None
    reply.set_result(Made(b"{}"))


async def test_results_are_awaited_until_they_are_fetched() -> None:
    kept = Kept()
    call_id = await kept.ended()
    assert kept.results.awaited == 1
    kept.results.find(call_id)
    assert kept.results.awaited == 0


@pytest.mark.parametrize("count", [200])
async def test_ids_cannot_be_guessed(count: int) -> None:
    kept = Kept(most=count)
    ids = {kept.begun()[0] for _ in range(count)}
    assert len(ids) == count
    assert min(map(len, ids)) >= 24
