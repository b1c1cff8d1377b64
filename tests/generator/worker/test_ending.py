"""How a worker ends: nothing new, what runs is finished, and not for longer than it may."""

import asyncio

from services.generator.worker.ending import Ending
from tests.eventually import eventually
from tests.generator.worker.engines import CannedEngine
from tests.generator.worker.served import served


async def test_what_runs_is_finished_and_nothing_new_is_taken_on() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine) as worker:
        running = asyncio.create_task(worker.order())
        await eventually(lambda: engine.asked)
        worker.ending.begin()
        late = await worker.order()
        health = await worker.client.get("/health")
        engine.may_go_on.set()
        assert (await running).status_code == 200
    assert (late.status_code, late.json()["error_code"]) == (503, "SHUTTING_DOWN")
    assert late.json()["retry_after"] == int(late.headers["retry-after"]) == 5
    assert (health.status_code, health.json()["status"]) == (503, "stopping")
    assert len(engine.asked) == 1


async def test_a_result_that_is_polled_for_is_waited_for_and_fetched() -> None:
    async with served(CannedEngine()) as worker:
        call_id = (await worker.order("/generate-image/submit")).json()["call_id"]
        worker.ending.begin()
        finished = asyncio.create_task(Ending.finished(worker.ending))
        await eventually(lambda: not worker.door.making.under_way)
        assert not finished.done()
        answer = await worker.client.get(f"/generate-image/result/{call_id}")
        assert answer.status_code == 200
        await finished


async def test_after_its_grace_what_still_runs_is_told_so() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine, grace_s=0.05) as worker:
        running = asyncio.create_task(worker.order())
        await eventually(lambda: engine.asked)
        worker.ending.begin()
        answer = await running
    assert (answer.status_code, answer.json()["error_code"]) == (503, "SHUTTING_DOWN")
    assert engine.cancelled == 1


async def test_a_second_signal_ends_the_waiting() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine, grace_s=1000) as worker:
        running = asyncio.create_task(worker.order())
        await eventually(lambda: engine.asked)
        worker.ending.begin()
        worker.ending.begin()
        assert (await running).status_code == 503
