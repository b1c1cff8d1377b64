"""The client keeps asking by the same key until it is told of a task, and writes it all down."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from tests.chaos.client import LoadClient
from tests.chaos.evidence import ORDERS, JsonLines, read_lines
from tests.chaos.orders import Order
from tests.eventually import eventually

PATH = "/content/batch"


def answer(status: int, **body: object) -> Response:
    headers = {"Retry-After": "0"} if status in {429, 503} else {}
    return Response(json.dumps(body), status, headers, content_type="application/json")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[JsonLines]:
    lines = JsonLines(tmp_path / ORDERS)
    yield lines
    lines.close()


@asynccontextmanager
async def client_of(url: str, log: JsonLines) -> AsyncIterator[LoadClient]:
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        yield LoadClient(http, log, ["ada"])


def order(**more: object) -> Order:
    fields = {"at_s": 0.0, "key": "ab12", "labels": ("teal oak vase",), "tiers": ("capa1",)}
    return Order(**{**fields, **more})  # type: ignore[arg-type]


async def test_refusals_for_now_are_followed_by_the_same_order(
    tmp_path: Path, httpserver: HTTPServer, log: JsonLines
) -> None:
    for status in (503, 429, 503):
        httpserver.expect_ordered_request(PATH).respond_with_response(answer(status))
    httpserver.expect_ordered_request(PATH).respond_with_response(answer(202, task_id="t1"))
    async with client_of(httpserver.url_for(""), log) as client:
        await client.place_all([order()])
    assert [line["status"] for line in read_lines(tmp_path / ORDERS)] == [503, 429, 503, 202]
    asked = [request for request, _ in httpserver.log]
    assert {request.headers["Idempotency-Key"] for request in asked} == {"ab12"}
    assert len({request.data for request in asked}) == 1
    assert list(client.accepted) == ["t1"]
    assert not client.unexpected


async def test_a_broken_connection_is_on_record_without_a_status(
    tmp_path: Path, log: JsonLines
) -> None:
    async with client_of("http://127.0.0.1:9", log) as client:
        placing = asyncio.create_task(client.place_all([order()]))
        await eventually(lambda: client.answers["broken"])
        placing.cancel()
        await asyncio.wait([placing])
    assert read_lines(tmp_path / ORDERS)[0]["status"] is None


async def test_an_unconfirmed_task_is_not_taken_for_an_accepted_one(
    tmp_path: Path, httpserver: HTTPServer, log: JsonLines
) -> None:
    unsure = answer(503, code="not_confirmed", task_id="t0")
    httpserver.expect_ordered_request(PATH).respond_with_response(unsure)
    httpserver.expect_ordered_request(PATH).respond_with_response(answer(202, task_id="t1"))
    async with client_of(httpserver.url_for(""), log) as client:
        await client.place_all([order()])
    assert [line["task_id"] for line in read_lines(tmp_path / ORDERS)] == [None, "t1"]


async def test_twins_and_second_thoughts_are_posted_too(
    tmp_path: Path, httpserver: HTTPServer, log: JsonLines
) -> None:
    httpserver.expect_request(PATH).respond_with_response(answer(202, task_id="t1"))
    async with client_of(httpserver.url_for(""), log) as client:
        await client.place_all([order(twins=3, again_after_s=0.0)])
    assert len(read_lines(tmp_path / ORDERS)) == 6


async def test_any_other_answer_is_reported(httpserver: HTTPServer, log: JsonLines) -> None:
    httpserver.expect_request(PATH).respond_with_response(answer(500, code="internal_error"))
    async with client_of(httpserver.url_for(""), log) as client:
        await client.place_all([order()])
    assert client.unexpected == ["/content/batch ab12: 500"]
