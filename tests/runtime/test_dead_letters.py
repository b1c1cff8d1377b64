"""What nobody can read is kept whole, once, with the reason; and it holds nobody back."""

import json

import pytest

from shared import wire
from shared.blobs import JetStreamBlobs
from shared.deadletters import JetStreamDeadLetters
from shared.events import ContentHooked, ImageGenerated
from shared.service import DEAD_LETTER_BODIES
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.handlers import Recorder
from tests.runtime.pipeline import Pipeline


def bodies(pipeline: Pipeline) -> JetStreamBlobs:
    return JetStreamBlobs(pipeline.js, pipeline.topology.bucket(DEAD_LETTER_BODIES))


def subject(pipeline: Pipeline, event: ImageGenerated) -> str:
    return pipeline.topology.subject(event)


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"{not json", {}, "invalid_body"),
        (b"\xff\xfe", {}, "invalid_body"),
        (b"", {}, "invalid_body"),
        (b"[" * 20_000, {}, "invalid_body"),
        (b'{"tenant": "default"}', {}, "invalid_body"),
        (b" " * (wire.MAX_BODY_BYTES + 1), {}, "too_large"),
        (wire.encode(image_generated()), {}, "subject_mismatch"),
        (wire.encode(image_generated()), {"ce-type": "atelier.image.generated.v2"}, "unknown_type"),
    ],
    ids=["no-json", "no-text", "empty", "deep", "incomplete", "large", "elsewhere", "other-type"],
)
async def test_what_cannot_be_read_is_kept_with_its_bytes(
    pipeline: Pipeline, body: bytes, headers: dict[str, str], reason: str
) -> None:
    good, handler = image_generated(), Recorder()
    await pipeline.publish(subject(pipeline, image_generated()), body, headers)
    await pipeline.write(good)
    await pipeline.replica(handler)
    await eventually(pipeline.is_settled)
    [letter] = await pipeline.dead_letters()
    assert letter.reason == reason
    assert letter.headers.items() >= headers.items()
    assert await bodies(pipeline).get(letter.body) == body
    assert handler.seen == [good.piece_id]


async def test_a_letter_tells_where_its_message_lay(pipeline: Pipeline) -> None:
    event = image_generated()
    await pipeline.publish(subject(pipeline, event), b"{}", {})
    await pipeline.replica(Recorder())
    await eventually(pipeline.is_settled)
    [letter] = await pipeline.dead_letters()
    assert (letter.step, letter.sequence) == ("content-hooked", 1)
    assert letter.subject == subject(pipeline, event)


async def test_a_letter_does_not_repeat_what_was_wrong(pipeline: Pipeline) -> None:
    body = json.loads(wire.encode(image_generated())) | {"run": "hunter2"}
    event = image_generated()
    await pipeline.publish(subject(pipeline, event), json.dumps(body).encode(), {})
    await pipeline.replica(Recorder())
    await eventually(pipeline.is_settled)
    [letter] = await pipeline.dead_letters()
    assert letter.detail.startswith("run: ")
    assert "hunter2" not in letter.detail


async def test_a_letter_is_kept_once_however_often_it_is_buried(pipeline: Pipeline) -> None:
    letters = JetStreamDeadLetters(pipeline.js, pipeline.topology, bodies(pipeline))
    for _ in range(2):
        await letters.keep(
            step="s", subject="a.b", sequence=7, reason="r", detail="d", headers={}, body=b"x"
        )
    assert len(await pipeline.dead_letters()) == 1


async def test_a_stream_that_begins_anew_does_not_hide_its_letters(pipeline: Pipeline) -> None:
    letters = JetStreamDeadLetters(pipeline.js, pipeline.topology, bodies(pipeline))
    for body in (b"before", b"after"):
        await letters.keep(
            step="s", subject="a.b", sequence=7, reason="r", detail="d", headers={}, body=body
        )
    assert len(await pipeline.dead_letters()) == 2


async def test_a_message_of_headers_alone_fits_a_letter(pipeline: Pipeline) -> None:
    heavy = {"x-heavy": "\x01" * 65_000}  # each becomes six bytes of JSON
    await pipeline.publish(subject(pipeline, image_generated()), b"{}", heavy)
    await pipeline.replica(Recorder())
    await eventually(pipeline.is_settled)
    assert len(await pipeline.dead_letters()) == 1


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "application/cloudevents+json"}, {"content-type": "application/json"}],
    ids=["none", "cloudevents", "json"],
)
async def test_plain_json_is_read_whatever_its_headers_say(
    pipeline: Pipeline, headers: dict[str, str]
) -> None:
    event = image_generated()
    body = json.loads(wire.encode(event)) | {"a_newer_field": 1}
    await pipeline.publish(subject(pipeline, event), json.dumps(body).encode(), headers)
    handler = Recorder()
    await pipeline.replica(handler)

    async def went_on() -> bool:
        return await pipeline.count(ContentHooked) == 1

    await eventually(went_on)
    assert handler.seen == [event.piece_id]
