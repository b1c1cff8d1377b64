"""Whatever bytes a stranger publishes, whoever reads on the same connection goes on reading."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest
from nats.aio.client import Client

from shared.events import ContentHooked
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.handlers import Recorder
from tests.runtime.pipeline import Pipeline

HEADERS = {
    "no line end": b"XXXX",
    "no version": b"XXXX\r\n\r\n",
    "nothing": b"NATS/1.0\r\n\r\n",
    "no colon": b"NATS/1.0\r\nce-id\r\n\r\n",
    "no name": b"NATS/1.0\r\n: 1\r\n\r\n",
    "no text": b"NATS/1.0\r\nce-id: \xff\xfe\r\n\r\n",
    "a status": b"NATS/1.0 404 No Messages\r\n\r\n",
    "a status of no text": b"NATS/1.0 \xff\xff\xff\r\n\r\n",
    "a described status of no text": b"NATS/1.0 404 \xff\xfe\r\n\r\n",
}


async def publish(url: str, subject: bytes, headers: bytes, body: bytes = b"{}") -> None:
    """Say it in the broker's own protocol: a library would not let us."""
    server = urlsplit(url)
    reader, writer = await asyncio.open_connection(server.hostname, server.port)
    connect = {"verbose": True, "headers": True, "auth_token": server.username}
    writer.write(b"CONNECT " + json.dumps(connect).encode() + b"\r\n")
    sizes = f"{len(headers)} {len(headers) + len(body)}".encode()
    writer.write(b"HPUB " + subject + b" " + sizes + b"\r\n" + headers + body + b"\r\n")
    greeting, *answers = [await reader.readline() for _ in range(3)]
    assert greeting.startswith(b"INFO")
    assert answers == [b"+OK\r\n"] * 2
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_headers_of_any_kind_become_a_dead_letter_and_hold_nobody_back(
    pipeline: Pipeline, headers: bytes
) -> None:
    subject = pipeline.topology.subject(image_generated()).encode()
    await publish(pipeline.url, subject, headers)
    await the_next_one_goes_on(pipeline)
    [letter] = await pipeline.dead_letters()
    assert letter.reason == "invalid_body"


async def test_a_subject_that_is_no_text_becomes_a_dead_letter(pipeline: Pipeline) -> None:
    name = pipeline.topology.subject_of(type(image_generated()), ("default", "t", "p"))
    await publish(pipeline.url, name.encode() + b".\xff\xfe", HEADERS["nothing"])
    await the_next_one_goes_on(pipeline)
    [letter] = await pipeline.dead_letters()
    assert letter.subject == rf"{name}.\xff\xfe"


async def the_next_one_goes_on(pipeline: Pipeline) -> None:
    event, handler = image_generated(), Recorder()
    await pipeline.write(event)
    await pipeline.replica(handler)
    await eventually(pipeline.is_settled)
    assert handler.seen == [event.piece_id]
    assert await pipeline.count(ContentHooked) == 1


async def test_upstreams_client_still_stumbles() -> None:
    """If this fails, it has been mended upstream, and shared/client.py may go."""
    with pytest.raises(IndexError):
        await Client()._process_headers(HEADERS["no line end"])  # noqa: SLF001
    with pytest.raises(UnicodeDecodeError):
        Client()._build_message(1, b"\xff", b"", b"", None)  # noqa: SLF001
