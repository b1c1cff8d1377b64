"""A bad event becomes a dead letter with its reason, and stops nothing."""

import json
from typing import Any

import pytest

from shared.blobs import JetStreamBlobs
from shared.events import AvatarReady, TaskRequested
from shared.service import DEAD_LETTER_BODIES
from tests.gateway.backend import TENANT
from tests.gateway.events.door import ORDER, EventDoor, attributes

STRUCTURED = {"content-type": "application/cloudevents+json"}
GOOD = {"order": ORDER}
SIGNED = attributes("17")
BAD: dict[str, tuple[Any, dict[str, str], str]] = {
    "no JSON": (b"{not json", SIGNED, "invalid_json"),
    "nothing": (b"", SIGNED, "invalid_json"),
    "no text": (b"\xff\xfe", SIGNED, "invalid_json"),
    "a member twice": (b'{"order": {}, "order": {}}', SIGNED, "invalid_json"),
    "half a character": (b'{"order": {"custom_prompt": "\\ud800"}}', SIGNED, "invalid_json"),
    "no number": (b'{"order": {"seed": NaN}}', SIGNED, "invalid_json"),
    "too deep": (b'{"order":' + b"[" * 9999 + b"]" * 9999 + b"}", SIGNED, "invalid_json"),
    "300 KiB": (b" " * 300 * 1024, SIGNED, "too_large"),
    "a later version": (GOOD, SIGNED | {"ce-type": "atelier.task.requested.v2"}, "unknown_type"),
    "another kind": (GOOD, SIGNED | {"ce-type": "atelier.avatar.ready.v1"}, "unknown_type"),
    "another specification": (GOOD, SIGNED | {"ce-specversion": "0.3"}, "not_cloudevents"),
    "half an envelope": ({"data": GOOD}, STRUCTURED, "not_cloudevents"),
    "no order": ({}, SIGNED, "invalid_body"),
    "wrong types": ({"order": "three"}, SIGNED, "invalid_body"),
    "another's tenant": (GOOD | {"tenant": "another"}, SIGNED, "subject_mismatch"),
}


@pytest.mark.parametrize(("body", "headers", "reason"), BAD.values(), ids=BAD)
async def test_a_request_that_cannot_be_read_is_kept_and_the_next_one_accepted(
    events: EventDoor, body: Any, headers: dict[str, str], reason: str
) -> None:
    subject = events.topology.subject_of(TaskRequested, (TENANT, "bad"))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sequence = await events.publish(subject, raw, headers)
    await events.request(headers=attributes("18"))
    assert len(await events.accepted()) == 1
    assert not await events.refused()
    [letter] = await events.letters()
    assert (letter.step, letter.subject) == ("task-accepted", subject)
    assert (letter.sequence, letter.reason) == (sequence, reason)
    assert letter.headers.items() >= headers.items()
    bodies = JetStreamBlobs(events.js, events.topology.bucket(DEAD_LETTER_BODIES))
    assert await bodies.get(letter.body) == raw


@pytest.mark.parametrize(
    "tokens", [(TENANT,), (TENANT, "a", "b"), ("t\u00e4nant", "a"), ("$x", "a")]
)
async def test_a_subject_that_names_no_request_is_kept(
    events: EventDoor, tokens: tuple[str, ...]
) -> None:
    await events.publish(events.topology.subject_of(TaskRequested, tokens), GOOD, SIGNED)
    await events.publish(events.topology.subject_of(AvatarReady, tokens), {"r2_path": "a"})
    await events.settled()
    reasons = [letter.reason for letter in await events.letters()]
    assert reasons == ["subject_mismatch"] * 2
    assert not events.backend.tasks


async def test_a_bad_event_that_is_sent_again_is_another_letter(events: EventDoor) -> None:
    subject = events.topology.subject_of(TaskRequested, (TENANT, "bad"))
    sequences = [await events.publish(subject, b"{", SIGNED) for _ in range(2)]
    await events.settled()
    assert sorted(letter.sequence for letter in await events.letters()) == sequences


async def test_a_secret_in_the_wrong_place_is_not_repeated(events: EventDoor) -> None:
    await events.request(kind="hunter2", headers=SIGNED)
    await events.hand_over("ada", r2_path="https://store.example/a?signature=hunter2")
    await events.settled()
    letters = await events.letters()
    assert len(letters) == 2
    assert not any("hunter2" in letter.detail for letter in letters)
