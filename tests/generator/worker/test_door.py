"""Who may come in, and with how much: token, size and time of a request, lost pages."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product

import pytest
from fastapi import Request
from starlette.types import Message

from services.generator.worker.bodies import read_body
from services.generator.worker.refusals import Refusal
from tests.generator.worker.engines import CannedEngine
from tests.generator.worker.served import BODY_LIMIT, TOKEN, served

WRONG = (None, "", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN[:-1]}")


async def test_without_the_token_nothing_is_done() -> None:
    engine = CannedEngine()
    async with served(engine) as worker:
        worker.client.headers.pop("authorization")
        for wrong, path in product(WRONG, ("/generate-image", "/nothing/here")):
            headers = {} if wrong is None else {"Authorization": wrong}
            answer = await worker.client.post(path, headers=headers, json={"prompt": "a lake"})
            assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHORIZED")
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert engine.asked == []


async def test_without_a_token_set_everybody_may_order() -> None:
    async with served(CannedEngine(), token=None) as worker:
        assert (await worker.order()).status_code == 200


async def test_a_body_is_refused_by_its_size_however_it_is_sent() -> None:
    engine = CannedEngine()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 1024 + 1):
            yield b" " * 1024

    async with served(engine) as worker:
        announced = await worker.order(prompt="x" * BODY_LIMIT)
        streamed = await worker.client.post("/generate-image", content=chunks())
        fits = await worker.order(prompt="x" * 9000)
    for answer in (announced, streamed):
        assert (answer.status_code, answer.json()["error_code"]) == (413, "BODY_TOO_LARGE")
    assert (fits.status_code, len(engine.asked)) == (200, 1)


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def nothing() -> Message:
        return await asyncio.Future()

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"9")]}
    with pytest.raises(Refusal) as caught:
        await read_body(Request(scope, nothing), BODY_LIMIT, within_s=0.01)
    assert (caught.value.status, caught.value.code) == (408, "BODY_TOO_SLOW")


async def test_a_length_that_is_announced_too_small_lets_nothing_through() -> None:
    engine = CannedEngine()
    async with served(engine) as worker:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.port)
        writer.write(
            b"POST /generate-image HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            + f"Authorization: Bearer {TOKEN}\r\n\r\n{{}}  !{'x' * 99999}".encode()
        )
        status = await reader.readline()
        writer.close()
    assert b" 422 " in status
    assert engine.asked == []


async def test_pages_that_are_not_there_are_refused_in_the_same_words() -> None:
    async with served(CannedEngine()) as worker:
        lost = await worker.client.get("/nothing")
        wrong = await worker.client.get("/generate-image")
    assert (lost.status_code, lost.json()["error_code"]) == (404, "NOT_FOUND")
    assert (wrong.status_code, wrong.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")
    assert wrong.headers["allow"] == "POST"
