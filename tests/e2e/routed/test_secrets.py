"""Secrets planted everywhere are found nowhere: not in logs, events, rows, objects or answers."""

import base64
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from werkzeug import Response

from deploy.local.postgres import EmbeddedPostgres
from tests.e2e.neighbour import connected
from tests.e2e.routed.canaries import IN_URLS, SET
from tests.e2e.system import System
from tests.eventually import eventually
from tests.files import contents_below
from tests.generator.worker_stub import Worker, plain
from tests.ledger.conftest import run_sql

SENT = {
    "wrong key": "atl_ffffffffffffffff_canary-wrong-key-c0ffee00",
    "bearer": "canary-bearer-token-5a5a",
    "signed weights": "canary-weights-signature",
    "callback": "canary-callback-token",
    "unknown member": "canary-member-value",
    "query": "canary-query-value",
    "duplicate": "canary-duplicate-value",
    "event callback": "canary-event-callback",
    "event attribute": "canary-event-header",
}
HANGS_S = 5.5
"""A little longer than a call may take."""
LINK_MARKS = ("signature=", "X-Amz-Signature")
# What other systems have sent lies where they have sent it, and in dead letters as it was.
THEIRS = {"TASK_REQUESTED", "AVATAR_READY", "BLOB_dead-letters", "DEAD_LETTER"}
THEIR_WORDS = ("event callback", "event attribute")
KEPT_ON_PURPOSE = {"secrets.json", "endpoint.json", "nats.conf", "choices.json"}


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it might be written down."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield raw.hex().encode()
    for offset in range(3):
        # Base64 of a text that holds it, at each of three places; without the changing ends.
        yield base64.b64encode(b"x" * offset + raw)[4:-4]


def finds(secrets: dict[str, str], data: bytes) -> list[str]:
    return [name for name, secret in secrets.items() if any(f in data for f in forms(secret))]


async def misuse(system: System) -> list[bytes]:
    """Requests that are refused, with a secret in each; what was answered."""
    avatar = system.avatar()
    order = {"avatar_id": avatar, "num_pieces": 1}
    post = system.client.post
    json_type = {"Content-Type": "application/json"}
    twice = b'{"avatar_id": "a", "avatar_id": "%s"}' % SENT["duplicate"].encode()
    answers = [
        system.client.get("/avatars", headers={"X-API-Key": SENT["wrong key"]}),
        system.client.get("/avatars", headers={"X-API-Key": "", "Authorization": SENT["bearer"]}),
        system.client.get("/avatars", params={"cursor": f"&token={SENT['query']}"}),
        post(
            "/avatars",
            json={"name": "A", "lora_weights_url": f"https://h/k?X={SENT['signed weights']}"},
        ),
        post("/content/batch", json=order | {"callback_url": f"https://h/?t={SENT['callback']}"}),
        post("/content/batch", json=order | {"secret": SENT["unknown member"]}),
        post("/content/batch", content=twice, headers=json_type),
    ]
    assert all(400 <= answer.status_code < 500 for answer in answers)
    async with connected(system) as other:
        callback = f"https://h/?t={SENT['event callback']}"
        refused = await other.ask(order | {"callback_url": callback}, key="with-callback")
        assert refused["problem"]["code"] == "validation_error"
        headers = {"ce-type": "other", "authorization": f"Bearer {SENT['event attribute']}"}
        await other.publish("task.requested.default.odd", b"{}", headers)
    return [answer.content + str(answer.headers).encode() for answer in answers]


def echo(worker: Worker, asked: dict[str, Any]) -> Response:
    """A worker that says in its errors what it was told in confidence."""
    told = {"error": f"no: {SET['MODAL_API_TOKEN']} {asked.get('lora_url')}", "error_code": "X"}
    return Response(json.dumps(told), status=500, content_type="application/json")


def log_of(system: System, service: str) -> str:
    return (system.data / "logs" / f"{service}.log").read_text()


async def lose_database(system: System, postgres: EmbeddedPostgres) -> None:
    """Shut the ledger out until it has said so."""
    allowed = "ALTER DATABASE secrets ALLOW_CONNECTIONS {}"
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'secrets'"
    await run_sql(postgres, allowed.format("false"), ended)
    await eventually(lambda: "rounds.interrupted" in log_of(system, "ledger"), 60)
    await run_sql(postgres, allowed.format("true"))


async def use(system: System, worker: Worker, postgres: EmbeddedPostgres) -> None:
    """A batch with failures of every kind on its way, and a service that dies."""
    weights = {"lora_url": "http://h/k?signature=canary&X-Amz-Signature=canary"}
    worker.will(
        echo(worker, weights),
        echo(worker, weights),
        plain(429, "slow down", **{"Retry-After": "0"}),
        plain(200),
        plain(503),
        plain(403, f"who is {SET['MODAL_API_TOKEN']}?"),
    )
    hangs = iter([HANGS_S])
    worker.delay_s = lambda _: next(hangs, 0.0)
    task_id = system.order(system.avatar(), 12)
    system.wait_until(task_id, "generated", 3)
    await eventually(lambda: "code=TIMEOUT" in log_of(system, "generator"), 60)
    await lose_database(system, postgres)
    for victim in ("generator", "storage"):
        os.kill(system.pid(victim), signal.SIGKILL)
    task = system.finished(task_id, timeout_s=90)
    assert task["state"] == "completed"
    assert worker.tokens
    assert set(worker.tokens) == {f"Bearer {SET['MODAL_API_TOKEN']}"}
    assert any("signature=" in str(asked.get("lora_url")) for asked in worker.asked)


async def streams(system: System) -> dict[str, bytes]:
    """Everything on the broker, by stream: subjects, headers, bodies and chunks."""
    nc: Client = await nats.connect(
        system.endpoint["nats_url"],
        nkeys_seed=system.endpoint["nats_seed_files"]["operator"],
        inbox_prefix="_INBOX_operator",
    )
    try:
        js = nc.jetstream()
        names = [str(info.config.name) for info in await js.streams_info()]
        return {name: b"".join([part async for part in messages(js, name)]) for name in names}
    finally:
        await nc.close()


async def messages(js: JetStreamContext, stream: str) -> AsyncIterator[bytes]:
    state = (await js.stream_info(stream)).state
    for sequence in range(max(1, state.first_seq), state.last_seq + 1):
        try:
            message = await js.get_msg(stream, sequence)
        except NotFoundError:
            continue  # deleted, as staged bytes are
        yield f"{message.subject} {message.headers}\n".encode() + (message.data or b"")


async def rows(system: System) -> bytes:
    """Every row of every table as text."""
    connection = await asyncpg.connect(system.endpoint["database_url"])
    tables = await connection.fetch(
        "select table_name from information_schema.tables where table_schema = 'public'"
    )
    texts = []
    for (table,) in tables:
        texts += [row[0] for row in await connection.fetch(f'select t::text from "{table}" t')]
    await connection.close()
    return "\n".join(texts).encode()


def files(root: Path) -> bytes:
    """Everything under a directory, besides what keeps secrets on purpose."""
    return b"\n".join(
        data for path, data in contents_below(root) if path.name not in KEPT_ON_PURPOSE
    )


def made_here(system: System) -> dict[str, str]:
    """Secrets that the system has made for itself."""
    seeds = (system.data / "nats-users").glob("*.nk")
    return {
        "api key": system.endpoint["api_key"].split("_", 2)[2],
        **{f"seed of {path.stem}": path.read_text().strip() for path in seeds},
    }


async def test_no_secret_is_written_down_anywhere(
    system: System, worker: Worker, postgres_server: EmbeddedPostgres
) -> None:
    answers = await misuse(system)
    await use(system, worker, postgres_server)
    secrets = {**SET, **IN_URLS, **SENT, **made_here(system)}
    ours = {name: text for name, text in secrets.items() if name not in THEIR_WORDS}

    logs = files(system.data / "logs")
    assert b"provider.failed" in logs
    assert finds(secrets, logs) == []
    assert not [mark for mark in LINK_MARKS if f"{mark}canary".encode() in logs]
    assert finds(secrets, b"\n".join(answers)) == []

    kept = await rows(system)
    assert b"modal_sdxl_lora" in kept
    assert finds(secrets, kept) == []
    objects = files(system.data / "objects")
    assert b"JFIF" in objects
    assert finds(secrets, objects) == []

    for name, data in (await streams(system)).items():
        assert finds(ours if name in THEIRS else secrets, data) == [], name
        assert not [mark for mark in LINK_MARKS if mark.encode() in data], name
    assert not [mark for mark in LINK_MARKS if mark.encode() in kept + objects]


@pytest.mark.parametrize("form", list(forms(SET["MODAL_API_TOKEN"])))
def test_the_search_finds_what_is_there(form: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"before" + form + b"after")
    assert finds(SET, files(tmp_path)) == ["MODAL_API_TOKEN"]
    assert finds(SENT, files(tmp_path)) == []
