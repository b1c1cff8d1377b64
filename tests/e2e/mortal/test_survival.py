"""Processes are killed in the middle of a batch; nothing is lost and nothing is bought twice."""

import itertools
import os
import signal
from collections import Counter
from collections.abc import Callable
from threading import Event

import pytest

from tests.e2e.system import System, running
from tests.eventually import eventually
from tests.generator.worker_stub import Worker
from tests.outages.rehearsal import PIECE_USD_MICROS

SERVICES = ["generator", "hooks", "safety", "storage", "ledger"]
PIECES = 9
MADE_BEFORE = 4
LONGEST_HOLD_S = 1.0
"""Much less than a call may take."""


def _marks(victim: str) -> tuple[pytest.MarkDecorator, ...]:
    # Every run kills whoever holds money, files or the books; its short chaos kills them all.
    return () if victim in {"generator", "storage", "ledger"} else (pytest.mark.outage,)


def pausing(made: int, go_on: Event) -> Callable[[dict[str, object]], float]:
    """Have the worker hold its calls after the first ones, so that something is under way."""
    calls = itertools.count()

    def delay_s(_: dict[str, object]) -> float:
        if next(calls) >= made:
            go_on.wait(LONGEST_HOLD_S)
        return 0.0

    return delay_s


@pytest.mark.parametrize("victim", [pytest.param(each, marks=_marks(each)) for each in SERVICES])
async def test_a_service_killed_in_mid_batch_restarts_and_nothing_is_lost_or_bought_twice(
    system: System, worker: Worker, victim: str
) -> None:
    struck = Event()
    worker.delay_s = pausing(MADE_BEFORE, struck)
    before = len(worker.asked)
    task_id = system.order(system.avatar(), PIECES)
    system.wait_until(task_id, "generated", MADE_BEFORE)
    killed = system.pid(victim)
    os.kill(killed, signal.SIGKILL)
    struck.set()
    task = system.finished(task_id, timeout_s=90)
    assert task["counts"]["persisted"] == PIECES
    await eventually(lambda: system.replaced(victim, killed), 60)

    attempts = await system.rows("select * from attempts where task_id = $1", task_id)
    successes = Counter(row["piece_id"] for row in attempts if row["outcome"] == "succeeded")
    assert set(successes.values()) == {1}
    assert len(successes) == PIECES
    # A call in the hands of a killed generator may have been made: it is on record as unknown.
    unknown = sum(row["outcome"] == "unknown" for row in attempts)
    assert len(worker.asked) - before <= len(successes) + unknown
    assert sum(row["cost_usd_micros"] for row in attempts) == PIECES * PIECE_USD_MICROS
    if victim != "generator":
        assert unknown == 0
        assert len(worker.asked) - before == PIECES


async def test_a_cancelled_task_begins_nothing_more(system: System, worker: Worker) -> None:
    cancelled = Event()
    worker.delay_s = pausing(1, cancelled)
    before = len(worker.asked)
    task_id = system.order(system.avatar(), 40)
    system.wait_until(task_id, "generated", 1)
    answer = system.client.post(f"/content/tasks/{task_id}/cancel")
    cancelled.set()
    assert answer.status_code in {200, 202}, answer.text
    task = system.finished(task_id)
    assert task["state"] == "cancelled"
    counts = task["counts"]
    assert counts["persisted"] + counts["failed"] == 40
    failed = [reason for reason in task["reasons"] if reason["state"] == "failed"]
    assert {reason["reason"] for reason in failed} == {"cancelled"}
    assert len(worker.asked) - before == counts["persisted"]


@pytest.mark.outage
async def test_a_restart_keeps_everything(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("restart") / "data"
    with running(data) as system:
        task_id = system.order(system.avatar(), 2)
        before = system.finished(task_id)
    with running(data) as again:
        after = again.task(task_id)
    assert after["counts"] == before["counts"]
    assert after["state"] == "completed"
