"""Two thousand clients at once: most are sent away politely, and soon all is as before."""

import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.system import System
from tests.generator.worker_stub import Worker
from tests.outages.books import assert_bought_once, assert_each_ended_once, settled_s
from tests.outages.figures import tell
from tests.outages.storm import Wish, storm
from tests.outages.whole import whole_atelier

pytestmark = pytest.mark.outage

CLIENTS = 2_000
LOOKS = 25
RECOVERED_WITHIN_S = 10.0
SLOWER_AT_MOST = 2.0
NOISE_S = 0.01


async def test_two_thousand_clients_at_once(tmp_path: Path, worker: Worker) -> None:
    worker.delay_s = lambda _: 0.0
    with _few_files_allowed(1024), whole_atelier(tmp_path, worker) as system:
        avatar = system.avatar()
        usual_s = _p50_s(system)
        keys = [system.endpoint["api_key"], _limited_key(system)]
        began = time.monotonic()
        with _many_files_allowed():
            outcome = await storm(system.endpoint["url"], _wishes(avatar, keys))
        over = time.monotonic()
        while (now_s := _p50_s(system)) > SLOWER_AT_MOST * usual_s + NOISE_S:
            assert time.monotonic() - over < RECOVERED_WITHIN_S, (now_s, usual_s)
        recovered_s = time.monotonic() - over
        accepted = outcome.statuses[202]
        ended_s = await settled_s(system, accepted, limit_s=120)
        tell(
            f"storm of {CLIENTS} clients",
            lasted_s=over - began,
            answers=f"{dict(outcome.statuses)}",
            refusals=f"{dict(outcome.codes)}",
            connection_errors=sum(outcome.errors.values()),
            p50_before_ms=usual_s * 1000,
            p50_after_ms=now_s * 1000,
            recovered_s=recovered_s,
            all_ended_s=ended_s,
        )
        assert not outcome.errors, outcome.errors
        assert set(outcome.statuses) == {200, 202, 429, 503}
        refusals = [answer for answer in outcome.answers if answer.status in {429, 503}]
        assert all(answer.is_polite for answer in refusals)
        await assert_each_ended_once(system, accepted)
        await assert_bought_once(system, accepted, asked=len(worker.asked))


def _wishes(avatar: str, keys: list[str]) -> Iterator[Wish]:
    """Orders and looks in turn, by each key in turn."""
    body = {"avatar_id": avatar, "num_pieces": 1, "platform": "instagram"}
    for number in range(CLIENTS):
        headers = {"X-API-Key": keys[number // 2 % len(keys)]}
        if number % 2:
            yield Wish("GET", "/api/v1/avatars", headers)
        else:
            headers["Idempotency-Key"] = str(uuid4())
            yield Wish("POST", "/api/v1/content/batch", headers, body)


def _limited_key(system: System) -> str:
    asked = {"name": "limited", "scopes": ["read", "write"], "limit": {"requests": 60}}
    answer = system.client.post("/keys", json=asked)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def _p50_s(system: System) -> float:
    """How long a look takes, when nobody else looks."""
    taken_s = []
    for _ in range(LOOKS):
        began = time.monotonic()
        answer = system.client.get("/avatars")
        taken_s.append(time.monotonic() - began)
        if answer.status_code != 200:
            return float("inf")
    return statistics.median(taken_s)


@contextmanager
def _few_files_allowed(most: int) -> Iterator[None]:
    """What is started in the block may open so many files, as most systems have it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _many_files_allowed() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
