"""People decide about held pieces: what they approve is delivered, what they refuse is gone."""

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.eventually import eventually
from tests.e2e.pictures import copied, patches
from tests.e2e.system import System
from tests.files import files_below
from tests.generator.worker_stub import Worker

NUMBERS = itertools.count()


@pytest.fixture
def worker(worker: Worker) -> Worker:
    """Each of its images is another one."""
    worker.image = lambda width, height: patches(next(NUMBERS), width, height)
    return worker


def held(system: System, count: int) -> tuple[str, list[str]]:
    """A task whose pieces all wait for review, and their ids."""
    task_id = ordered(system, count)
    assert system.finished(task_id)["counts"]["pending_review"] == count
    reviews = ask(system, "GET", f"/reviews?task_id={task_id}&limit=50")["reviews"]
    return task_id, [review["piece_id"] for review in reviews]


def ordered(system: System, count: int) -> str:
    # In our own words: such pieces all have the same size.
    words = [f"portrait in a park, bench {number}" for number in range(count)]
    return system.order(system.avatar(), count, custom_prompts=words)


def ask(system: System, method: str, path: str, **body: object) -> dict[str, Any]:
    answer = system.client.request(method, path, json=body or None)
    assert answer.is_success, f"{path}: {answer.text}"
    found: dict[str, Any] = answer.json()
    return found


def files_of(system: System, piece_id: str) -> list[Path]:
    found = files_below(system.data / "objects")
    return [path for path in found if path.name.startswith(f"{piece_id}_")]


def always(image: bytes) -> Callable[[int, int], bytes]:
    return lambda _width, _height: image


def anonymous(url: str) -> httpx2.Response:
    return httpx2.get(url, trust_env=False)


def test_without_a_judge_nothing_becomes_public(system: System, worker: Worker) -> None:
    task_id, pieces = held(system, 3)
    assert system.task(task_id)["counts"]["persisted"] == 0
    objects = system.data / "objects"
    files = [path.relative_to(objects) for each in pieces for path in files_of(system, each)]
    assert len(files) >= 3
    assert {path.parts[0] for path in files} == {"review"}


def test_what_a_person_approves_is_delivered_and_its_held_copy_is_gone(
    system: System, worker: Worker
) -> None:
    _, [piece_id] = held(system, 1)
    review = ask(system, "GET", f"/reviews/{piece_id}")
    assert anonymous(review["image_url"]).headers["content-type"] == "image/png"
    assert anonymous(review["image_url"].partition("?")[0]).status_code == 404
    ask(system, "POST", f"/reviews/{piece_id}/approve", rating="safe")

    def delivered() -> dict[str, Any] | None:
        piece = ask(system, "GET", f"/content/pieces/{piece_id}")
        return piece if piece["state"] == "persisted" else None

    piece = eventually(delivered)
    assert anonymous(piece["url"]).status_code == 200
    eventually(lambda: {path.parts[-4] for path in files_of(system, piece_id)} == {"public"})
    assert anonymous(review["image_url"]).status_code == 404
    again = system.client.post(f"/reviews/{piece_id}/approve", json={"rating": "safe"})
    assert (again.status_code, again.json()["code"]) == (409, "review_decided")


def test_what_a_person_refuses_is_gone(system: System, worker: Worker) -> None:
    task_id, [piece_id] = held(system, 1)
    ask(system, "POST", f"/reviews/{piece_id}/reject", reason="the hands have seven fingers")
    assert system.task(task_id)["counts"]["rejected"] == 1
    eventually(lambda: not files_of(system, piece_id))
    decided = ask(system, "GET", f"/reviews/{piece_id}")
    assert decided["decisions"][0]["reason"] == "the hands have seven fingers"


@pytest.mark.parametrize(
    "victim",
    [
        "safety",
        pytest.param("storage", marks=pytest.mark.outage),
        pytest.param("ledger", marks=pytest.mark.outage),
    ],
)
async def test_approvals_survive_the_death_of_a_service(
    system: System, worker: Worker, victim: str
) -> None:
    task_id, pieces = held(system, 6)
    bought = len(worker.asked)
    for piece_id in pieces[:3]:
        ask(system, "POST", f"/reviews/{piece_id}/approve", rating="safe")
    os.kill(system.pid(victim), signal.SIGKILL)
    for piece_id in pieces[3:]:
        patiently_approve(system, piece_id)
    eventually(lambda: system.task(task_id)["counts"]["persisted"] == 6)
    rows = await system.rows("select * from content_pieces where task_id = $1", task_id)
    assert len(rows) == 6
    assert len(worker.asked) == bought


def patiently_approve(system: System, piece_id: str) -> None:
    """As clients do: a part that restarts is asked again, and what is decided stays decided."""

    def decided() -> bool:
        answer = system.client.post(f"/reviews/{piece_id}/approve", json={"rating": "safe"})
        assert answer.status_code in {200, 409, 503}, answer.text
        return answer.status_code != 503

    eventually(decided)


def test_a_piece_taken_down_is_gone_everywhere_and_so_is_its_like(
    system: System, worker: Worker
) -> None:
    picture = patches(77_777, 1024, 1024)
    worker.image = always(picture)
    _, [piece_id] = held(system, 1)
    ask(system, "POST", f"/reviews/{piece_id}/approve", rating="safe")
    shown = eventually(lambda: ask(system, "GET", f"/content/pieces/{piece_id}")["url"])
    taken = ask(system, "POST", f"/content/pieces/{piece_id}/takedown", reason="a court says so")
    assert taken["url"] is None
    assert taken["taken_down_at"]
    eventually(lambda: anonymous(shown).status_code == 404)
    eventually(lambda: not files_of(system, piece_id))

    for image in (picture, copied(picture)):
        worker.image = always(image)
        task = system.finished(ordered(system, 1))
        assert [reason["reason"] for reason in task["reasons"]] == ["image_taken_down"]
