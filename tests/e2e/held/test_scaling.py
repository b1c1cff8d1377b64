"""More replicas share the work, and one slow piece holds nobody back."""

from collections import Counter
from threading import Barrier, Event

import httpx2

from tests.e2e.held.conftest import GENERATORS
from tests.e2e.system import System
from tests.generator.worker_stub import Worker

ROUNDS = 4
PATIENCE_S = 60


async def test_three_generators_share_a_batch_evenly(system: System, worker: Worker) -> None:
    """No call is answered before every generator has one; who sits on more would be alone."""
    everybody = Barrier(GENERATORS, timeout=PATIENCE_S)

    def meet(_: dict[str, object]) -> float:
        everybody.wait()
        return 0.0

    worker.delay_s = meet
    worker.most_at_work = 0
    task_id = system.order(system.avatar(), ROUNDS * GENERATORS)
    system.finished(task_id, timeout_s=2 * PATIENCE_S)
    rows = await system.rows("select holder from attempts where task_id = $1", task_id)
    shares = Counter(row["holder"] for row in rows)
    assert list(shares.values()) == [ROUNDS] * GENERATORS
    assert worker.most_at_work == GENERATORS


async def test_one_slow_piece_holds_nobody_back(system: System, worker: Worker) -> None:
    slow, others_are_done = "the slow one", Event()

    def delay_s(asked: dict[str, object]) -> float:
        if slow in str(asked["prompt"]):
            others_are_done.wait(PATIENCE_S)
        return 0.0

    worker.delay_s = delay_s
    task_id = system.order(system.avatar(), 12, custom_prompts=[slow])
    system.wait_until(task_id, "moderated", 11)
    assert system.task(task_id)["state"] == "running"
    others_are_done.set()
    assert system.finished(task_id)["counts"]["pending_review"] == 12


async def test_a_caller_who_waits_is_not_stuck_behind_a_batch(
    system: System, worker: Worker
) -> None:
    worker.delay_s = lambda _: 0.5
    avatar = system.avatar()
    bulk = system.order(avatar, 60)
    answer = _generate(system, avatar)
    assert answer.status_code == 202, "made at once, and held because nobody judges here"
    assert system.task(bulk)["counts"]["generated"] < 60
    system.client.post(f"/content/tasks/{bulk}/cancel")
    system.finished(bulk)


async def test_a_waiting_call_ends_with_the_tasks_address_and_the_work_goes_on(
    system: System, worker: Worker
) -> None:
    is_answered = Event()

    def delay_s(_: dict[str, object]) -> float:
        is_answered.wait(PATIENCE_S)
        return 0.0

    worker.delay_s = delay_s
    answer = _generate(system, system.avatar())
    is_answered.set()
    assert answer.status_code == 504, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    task_id = answer.json()["task_id"]
    assert answer.headers["location"].endswith(task_id)
    task = system.finished(task_id)
    assert task["counts"]["pending_review"] == 1


def _generate(system: System, avatar: str) -> httpx2.Response:
    """Ask for one piece and wait for the answer, ten seconds at most."""
    return system.client.post(
        "/content/generate",
        json={
            "avatar_id": avatar,
            "custom_prompt": "by the sea",
            "platform": "x",
            "tier": "capa1",
        },
    )
