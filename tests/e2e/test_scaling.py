"""More replicas share the work, and one slow piece holds nobody back."""

from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest

from tests.e2e.system import System, running
from tests.generator.worker_stub import Worker, running_worker

REPLICAS = 3


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with running_worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def system(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Three generators with one permit each."""
    with running(
        tmp_path_factory.mktemp("scaling") / "data",
        "--scale",
        f"generator={REPLICAS}",
        AI_IMAGE_PROVIDER="modal_sdxl_lora",
        MODAL_ENDPOINT_URL=worker.url,
        SAFETY_JUDGES="none",
        GENERATOR_CONCURRENCY="1",
        GENERATE_TIMEOUT_SECONDS="4",
    ) as system:
        yield system


async def test_three_generators_share_a_batch_evenly(system: System, worker: Worker) -> None:
    worker.delay_s = lambda _: 0.25
    worker.most_at_work = 0
    task_id = system.order(system.avatar(), 24)
    system.finished(task_id)
    rows = await system.rows("select holder from attempts where task_id = $1", task_id)
    shares = Counter(row["holder"] for row in rows)
    assert len(shares) == REPLICAS
    assert max(shares.values()) - min(shares.values()) <= 4, shares
    assert worker.most_at_work == REPLICAS


async def test_one_slow_piece_holds_nobody_back(system: System, worker: Worker) -> None:
    slow = "the slow one"
    worker.delay_s = lambda asked: 4.0 if slow in str(asked["prompt"]) else 0.05
    task_id = system.order(system.avatar(), 12, custom_prompts=[slow])
    system.wait_until(task_id, "moderated", 11, timeout_s=3.5)
    assert system.task(task_id)["state"] == "running"
    system.finished(task_id)


async def test_a_caller_who_waits_is_not_stuck_behind_a_batch(
    system: System, worker: Worker
) -> None:
    worker.delay_s = lambda _: 0.1
    avatar = system.avatar()
    bulk = system.order(avatar, 200)
    answer = _generate(system, avatar)
    assert answer.status_code == 202, "made at once, and held because nobody judges here"
    assert system.task(bulk)["counts"]["generated"] < 200
    system.client.post(f"/content/tasks/{bulk}/cancel")
    system.finished(bulk)


async def test_a_waiting_call_ends_with_the_tasks_address_and_the_work_goes_on(
    system: System, worker: Worker
) -> None:
    worker.delay_s = lambda _: 5.0
    answer = _generate(system, system.avatar())
    assert answer.status_code == 504, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    task_id = answer.json()["task_id"]
    assert answer.headers["location"].endswith(task_id)
    task = system.finished(task_id)
    assert task["counts"]["pending_review"] == 1


def _generate(system: System, avatar: str) -> httpx2.Response:
    """Ask for one piece and wait for the answer, four seconds at most."""
    return system.client.post(
        "/content/generate",
        json={
            "avatar_id": avatar,
            "custom_prompt": "by the sea",
            "platform": "x",
            "tier": "capa1",
        },
    )
