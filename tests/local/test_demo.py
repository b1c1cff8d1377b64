"""The demo against a gateway that answers as the contract says."""

import io
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from rich.console import Console

from deploy.local.demo import Demo
from deploy.local.endpoint import Endpoint
from deploy.local.errors import CannotRun

TASK = "/api/v1/content/tasks/t1"
KEY = {"X-API-Key": "atl_key"}


@pytest.fixture
def endpoint(httpserver: HTTPServer, tmp_path: Path) -> Endpoint:
    url = httpserver.url_for("").rstrip("/")
    return Endpoint(url, "atl_key", "nats://", {}, "postgresql://", str(tmp_path), {})


def piece(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:08}-0000",
        "access_tier": "capa1",
        "safety_rating": "safe",
        "thumbnail_url": f"http://example.test/{number}_thumb?signature=secret",
        "hook_text": "Up early <3",
        "url": f"http://example.test/{number}?{'longer-than-any-terminal' * 9}",
        "metadata": {"provider": "preview", "cost": 0.01},
    }


def counts(done: int, **others: int) -> dict[str, int]:
    stages = ("requested", "generated", "hooked", "moderated", "stored", "persisted")
    return {**dict.fromkeys(stages, done), **others}


def accept_batch(gateway: HTTPServer, *, avatars: list[dict[str, str]]) -> None:
    listed = {"avatars": avatars, "next_cursor": None}
    gateway.expect_request("/api/v1/avatars", "GET", headers=KEY).respond_with_json(listed)
    batch = gateway.expect_request("/api/v1/content/batch", "POST", headers=KEY)
    batch.respond_with_json({"task_id": "t1", "status": "queued"}, status=202)


def running_then(gateway: HTTPServer, final: dict[str, Any]) -> None:
    running = {"state": "running", "counts": counts(1), "result": None}
    gateway.expect_oneshot_request(TASK, "GET").respond_with_json(running)
    gateway.expect_oneshot_request(TASK, "GET").respond_with_json(final)


ADA = {"name": "Ada (demo)", "id": "a1"}


async def test_a_complete_batch_is_shown_with_unbroken_addresses(
    httpserver: HTTPServer, endpoint: Endpoint
) -> None:
    accept_batch(httpserver, avatars=[ADA])
    pieces = [piece(1), piece(2)]
    final = {"state": "completed", "counts": counts(2), "result": {"content_pieces": pieces}}
    running_then(httpserver, final)
    screen = io.StringIO()
    outcome = await Demo(Console(file=screen), 2, serve_on=False)(endpoint)
    assert outcome.exit_code == 0
    assert not outcome.serve_on
    shown = screen.getvalue()
    assert all(each["url"] in shown for each in pieces)
    assert "persisted 1" in shown
    assert "persisted 2" in shown
    assert "PREVIEW" in shown
    assert "$0.010" in shown


async def test_a_terminal_shows_a_bar_for_each_stage(
    httpserver: HTTPServer, endpoint: Endpoint
) -> None:
    accept_batch(httpserver, avatars=[ADA])
    final = {"state": "completed", "counts": counts(1), "result": {"content_pieces": [piece(1)]}}
    running_then(httpserver, final)
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=100)
    await Demo(terminal, 1, serve_on=False)(endpoint)
    for stage in ("requested", "moderated", "persisted"):
        assert stage in screen.getvalue()
    assert "1/1" in screen.getvalue()


async def test_an_incomplete_batch_is_a_failure_that_names_the_reasons(
    httpserver: HTTPServer, endpoint: Endpoint
) -> None:
    accept_batch(httpserver, avatars=[ADA])
    reason = {"piece_id": "p2", "state": "failed", "reason": "deadline", "detail": ""}
    final = {
        "state": "completed",
        "counts": counts(1, failed=1),
        "reasons": [reason],
        "result": {"content_pieces": [piece(1)]},
    }
    running_then(httpserver, final)
    screen = io.StringIO()
    outcome = await Demo(Console(file=screen), 2, serve_on=True)(endpoint)
    assert outcome.exit_code == 1
    assert outcome.serve_on
    assert "deadline" in screen.getvalue()


async def test_the_avatar_is_made_when_it_is_not_there(
    httpserver: HTTPServer, endpoint: Endpoint
) -> None:
    accept_batch(httpserver, avatars=[{"name": "Somebody else", "id": "a0"}])
    created = httpserver.expect_request("/api/v1/avatars", "POST", headers=KEY)
    created.respond_with_json({"id": "a1"}, status=201)
    final = {"state": "completed", "counts": counts(1), "result": {"content_pieces": [piece(1)]}}
    running_then(httpserver, final)
    await Demo(Console(file=io.StringIO()), 1, serve_on=False)(endpoint)
    avatar = next(
        request.get_json()
        for request, _ in httpserver.log
        if request.path.endswith("avatars") and request.method == "POST"
    )
    assert avatar["name"] == "Ada (demo)"
    assert avatar["likeness"] == {"kind": "synthetic"}


async def test_a_refusal_is_shown_with_the_way_to_the_logs(
    httpserver: HTTPServer, endpoint: Endpoint
) -> None:
    httpserver.expect_request("/api/v1/avatars").respond_with_data("no key", status=401)
    with pytest.raises(CannotRun, match=r"401:\n  no key\n.*logs"):
        await Demo(Console(file=io.StringIO()), 1, serve_on=False)(endpoint)


async def test_the_pictures_are_on_a_page_for_their_owner_alone(
    httpserver: HTTPServer, endpoint: Endpoint
) -> None:
    accept_batch(httpserver, avatars=[ADA])
    final = {"state": "completed", "counts": counts(1), "result": {"content_pieces": [piece(1)]}}
    running_then(httpserver, final)
    screen = io.StringIO()
    await Demo(Console(file=screen), 1, serve_on=False)(endpoint)
    page = Path(endpoint.data) / "gallery.html"
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.resolve().as_uri() in screen.getvalue()
    written = page.read_text()
    assert 'src="http://example.test/1_thumb?signature=secret"' in written
    assert "Up early &lt;3" in written
