"""Processes are killed in the middle of a batch; nothing is lost and nothing is bought twice."""

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.system import System, running
from tests.files import files_below
from tests.generator.worker_stub import Worker, running_worker

SERVICES = ["generator", "hooks", "safety", "storage", "ledger"]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with running_worker() as worker:
        yield worker


def _marks(victim: str) -> tuple[pytest.MarkDecorator, ...]:
    # Every run kills whoever holds money, files or the books; its short chaos kills them all.
    return () if victim in {"generator", "storage", "ledger"} else (pytest.mark.outage,)


@pytest.fixture(scope="module")
def system(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Images by a paid worker, and no judge."""
    with running(
        tmp_path_factory.mktemp("survival") / "data",
        AI_IMAGE_PROVIDER="modal_sdxl_lora",
        MODAL_ENDPOINT_URL=worker.url,
        MODAL_TIMEOUT_SECONDS="5",
        SAFETY_JUDGES="none",
        GENERATOR_CONCURRENCY="3",
    ) as system:
        yield system


@pytest.mark.parametrize("victim", [pytest.param(each, marks=_marks(each)) for each in SERVICES])
async def test_a_service_killed_in_mid_batch_restarts_and_nothing_is_lost_or_bought_twice(
    system: System, worker: Worker, victim: str
) -> None:
    worker.delay_s = lambda _: 0.1
    before = len(worker.asked)
    task_id = system.order(system.avatar(), 15)
    system.wait_until(task_id, "generated", 4)
    killed = system.pid(victim)
    os.kill(killed, signal.SIGKILL)
    task = system.finished(task_id, timeout_s=90)
    assert system.pid(victim) != killed
    assert task["counts"]["pending_review"] == 15

    attempts = await system.rows("select * from attempts where task_id = $1", task_id)
    successes = Counter(row["piece_id"] for row in attempts if row["outcome"] == "succeeded")
    assert set(successes.values()) == {1}
    assert len(successes) == 15
    # A call in the hands of a killed generator may have been made: it is on record as unknown.
    unknown = sum(row["outcome"] == "unknown" for row in attempts)
    assert len(worker.asked) - before <= len(successes) + unknown
    assert sum(row["cost_usd_micros"] for row in attempts) == 15 * 10_000
    if victim != "generator":
        assert unknown == 0
        assert len(worker.asked) - before == 15


async def test_without_a_judge_nothing_becomes_public(system: System, worker: Worker) -> None:
    worker.delay_s = lambda _: 0.0
    task_id = system.order(system.avatar(), 3)
    task = system.finished(task_id)
    assert task["counts"]["pending_review"] == 3
    assert task["counts"]["persisted"] == 0
    objects = system.data / "objects"
    assert not files_below(objects / "public")
    assert not files_below(objects / "private")
    assert files_below(objects / "review")


async def test_a_cancelled_task_begins_nothing_more(system: System, worker: Worker) -> None:
    worker.delay_s = lambda _: 0.3
    before = len(worker.asked)
    task_id = system.order(system.avatar(), 40)
    system.wait_until(task_id, "generated", 1)
    answer = system.client.post(f"/content/tasks/{task_id}/cancel")
    assert answer.status_code in {200, 202}, answer.text
    task = system.finished(task_id)
    assert task["state"] == "cancelled"
    counts = task["counts"]
    assert counts["pending_review"] + counts["failed"] == 40
    failed = [reason for reason in task["reasons"] if reason["state"] == "failed"]
    assert {reason["reason"] for reason in failed} == {"cancelled"}
    assert len(worker.asked) - before == counts["pending_review"]


@pytest.mark.outage
async def test_a_restart_keeps_everything(
    worker: Worker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("restart") / "data"
    with running(data) as system:
        task_id = system.order(system.avatar(), 2)
        before = system.finished(task_id)
    with running(data) as again:
        after = again.task(task_id)
    assert after["counts"] == before["counts"]
    assert after["state"] == "completed"
