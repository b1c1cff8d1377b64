"""The prober names everything that can be derived, and writes down what it gets."""

import asyncio
from pathlib import Path
from random import Random

import httpx2
from pytest_httpserver import HTTPServer

from shared.ids import piece_id
from tests.chaos.client import AcceptedTask
from tests.chaos.evidence import PROBES, JsonLines, read_lines
from tests.chaos.leaks import Leak
from tests.chaos.names import Staged, guesses, leaked, piece_ids, staging_guesses
from tests.chaos.prober import Prober
from tests.eventually import eventually

TASK = "0f0e0d0c-0b0a-4909-8807-060504030201"


def test_the_ids_of_pieces_follow_from_the_task() -> None:
    assert piece_ids(TASK, 3) == [piece_id(TASK, index) for index in range(3)]


def test_guesses_cover_every_area_and_both_files() -> None:
    tried = set(guesses("ada", "p1"))
    assert "/objects/content/ada/p1_thumb.jpg" in tried
    for form in ("png", "jpg"):
        assert f"/objects/content/ada/p1.{form}" in tried
        inside = {f"/objects/{area}/content/ada/p1.{form}" for area in ("private", "review")}
        assert inside <= tried
    assert "/objects/staging/p1/1/ff" in set(staging_guesses("ada", "p1", Staged(1, "ff")))
    assert "/objects/content/k.png" in set(leaked("content/k.png"))


async def test_what_is_readable_is_on_record_with_its_hash(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/objects/content/k.png").respond_with_data(b"bytes")
    log = JsonLines(tmp_path / PROBES)
    async with httpx2.AsyncClient(base_url=httpserver.url_for(""), trust_env=False) as http:
        prober = Prober(http, log, Random(1), every_s=0.001)
        prober.learn_tasks([AcceptedTask(TASK, "ada", 1)])
        prober.learn_leaks([Leak("ada", "p1", keys=("content/k.png",))])
        running = _start(prober)
        await eventually(lambda: prober.readable)
        running.cancel()
    log.close()
    shown = [line for line in read_lines(tmp_path / PROBES) if line["status"] == 200]
    assert shown[0]["url"] == "/objects/content/k.png"
    assert shown[0]["bytes"] == 5
    assert len(shown[0]["sha256"]) == 64


async def test_a_door_that_is_away_is_no_answer(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / PROBES)
    async with httpx2.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as http:
        prober = Prober(http, log, Random(1), every_s=0.001)
        await prober.probe("/objects/k.png")
    log.close()
    assert prober.probes == 0
    assert read_lines(tmp_path / PROBES) == []


def _start(prober: Prober) -> "asyncio.Task[None]":
    return asyncio.create_task(prober.run({}))
