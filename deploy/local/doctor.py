"""Check a machine for embedded mode; each failure comes with its fix."""

import asyncio
import platform
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import asyncpg
import nats
from nats.errors import NoServersError

from deploy.local.environment import DEFAULTS
from deploy.local.errors import CannotRun
from deploy.local.leftovers import find_leftovers
from deploy.local.lock import DirectoryLock
from deploy.local.nats import EmbeddedNats
from deploy.local.paths import DataDirectory
from deploy.local.ports import FIRST_PORT, DoorSocket, is_free
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.private_files import read_private_json
from deploy.local.runtime_dir import make_runtime_dir
from deploy.local.wiring import without_blanks

ENOUGH_DISK_BYTES = 5 * 10**9
LEAST_DISK_BYTES = 10**9
ANSWER_TIMEOUT_S = 5.0
ATTEMPT_TIMEOUT_S = 60.0
# A proxy cannot reach this machine's loopback.
NO_PROXY = build_opener(ProxyHandler({}))
OUTSIDE_FIX = "correct the URL, start that server, or unset it to use the bundled one"
BUNDLED_FIX = "do what the message says, or name a server of your own by NATS_URL or DATABASE_URL"


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it."""

    check: str
    state: State
    detail: str
    fix: str = ""


async def examine(data: DataDirectory, user: Mapping[str, str]) -> list[Finding]:
    """Run every check; `user` is the environment that a start would get."""
    user = without_blanks(user)
    return [
        _python(),
        _disk(data),
        _data_directory(data),
        _sockets(),
        await _broker(user),
        await _database(user),
        _port(user),
        await asyncio.to_thread(_running, data),
        _leftovers(data),
        _pictures(user),
    ]


def _python() -> Finding:
    version = platform.python_version()
    if sys.prefix == sys.base_prefix:
        fix = "run it as ./dev doctor, which makes an environment in .venv"
        return Finding("python", State.FAILURE, f"{version}, outside of an environment", fix)
    return Finding("python", State.OK, f"{version} in {sys.prefix}")


def _disk(data: DataDirectory) -> Finding:
    place = next(each for each in (data.root, *data.root.parents) if each.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}"
    if free < LEAST_DISK_BYTES:
        fix = "free at least 1 GB, or choose another disk with --data"
        return Finding("disk", State.FAILURE, detail, fix)
    if free < ENOUGH_DISK_BYTES:
        fix = "enough for a demo; free 5 GB for larger batches"
        return Finding("disk", State.WARNING, detail, fix)
    return Finding("disk", State.OK, detail)


def _data_directory(data: DataDirectory) -> Finding:
    if not data.root.exists():
        return Finding("data directory", State.OK, f"{data.root}, made at the first start")
    try:
        data.create()
        with tempfile.TemporaryFile(dir=data.root):
            return Finding("data directory", State.OK, str(data.root))
    except CannotRun as exc:
        return Finding("data directory", State.FAILURE, str(exc), "choose another with --data")
    except OSError as exc:
        fix = "make it writable for this user, or choose another with --data"
        return Finding("data directory", State.FAILURE, f"{data.root}: {exc.strerror}", fix)


def _sockets() -> Finding:
    try:
        directory = make_runtime_dir()
    except CannotRun as exc:
        return Finding("sockets", State.FAILURE, str(exc), "set TMPDIR to a short path")
    directory.rmdir()
    return Finding("sockets", State.OK, f"short enough paths in {directory.parent}")


async def _broker(user: Mapping[str, str]) -> Finding:
    if "NATS_URL" in user:
        attempt = _reach_broker(user["NATS_URL"], user.get("NATS_NKEY_SEED"))
        return await _try("nats", "NATS_URL answers, with JetStream", attempt, OUTSIDE_FIX)
    with tempfile.TemporaryDirectory() as scratch:
        broker = EmbeddedNats(Path(scratch) / "nats")
        return await _try("nats", "the bundled server starts", _start_and_stop(broker), BUNDLED_FIX)


async def _database(user: Mapping[str, str]) -> Finding:
    if "DATABASE_URL" in user:
        attempt = _reach_database(user["DATABASE_URL"])
        return await _try("postgres", "DATABASE_URL answers", attempt, OUTSIDE_FIX)
    directory = make_runtime_dir()
    try:
        server = EmbeddedPostgres(directory / "data", settings={"fsync": "off"})
        success = "the bundled server starts"
        return await _try("postgres", success, _start_and_stop(server), BUNDLED_FIX)
    finally:
        shutil.rmtree(directory)


async def _start_and_stop(server: EmbeddedNats | EmbeddedPostgres) -> None:
    async with server:
        return


async def _reach_broker(url: str, seed: str | None) -> None:
    errors: list[Exception] = []

    async def remember(error: Exception) -> None:
        errors.append(error)

    try:
        client = await nats.connect(
            url,
            nkeys_seed_str=seed,
            error_cb=remember,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
        )
    except NoServersError:
        raise errors[-1] from None
    try:
        await client.jetstream().account_info()
    finally:
        await client.close()


async def _reach_database(url: str) -> None:
    plain = url.replace("postgresql+asyncpg://", "postgresql://")
    connection = await asyncpg.connect(plain, timeout=ANSWER_TIMEOUT_S)
    await connection.close()


async def _try(check: str, success: str, attempt: Awaitable[None], fix: str) -> Finding:
    try:
        await asyncio.wait_for(attempt, ATTEMPT_TIMEOUT_S)
    except Exception as exc:  # noqa: BLE001 - whatever keeps it from working is the finding
        return Finding(check, State.FAILURE, str(exc) or type(exc).__name__, fix)
    return Finding(check, State.OK, success)


def _port(user: Mapping[str, str]) -> Finding:
    host = user.get("GATEWAY_HOST", "127.0.0.1")
    wanted = user.get("GATEWAY_PORT", str(FIRST_PORT))
    try:
        door = DoorSocket(user)
        door.open()
        chosen = door.port
        door.close()
    except CannotRun as exc:
        return Finding("port", State.FAILURE, str(exc), "set GATEWAY_PORT to a free port")
    if is_free(host, int(wanted)):
        return Finding("port", State.OK, f"{wanted} is free")
    return Finding("port", State.OK, f"{wanted} is taken; the next start uses {chosen}")


def _running(data: DataDirectory) -> Finding:
    lock = DirectoryLock(data.lock_file)
    if not lock.is_held():
        return Finding("running", State.OK, "nothing runs over this data directory")
    holder = lock.holder()
    who = f"supervisor {holder.pid}" if holder else "a supervisor"
    endpoint = read_private_json(data.endpoint_file)
    if endpoint is None:
        return Finding("running", State.OK, f"{who} is starting or stopping")
    try:
        with NO_PROXY.open(f"{endpoint['url']}/health/ready", timeout=ANSWER_TIMEOUT_S):
            return Finding("running", State.OK, f"{who} serves {endpoint['url']}")
    except (URLError, TimeoutError) as exc:
        fix = f"read {data.logs}/gateway.log, then ./dev down and start again"
        return Finding("running", State.FAILURE, f"{endpoint['url']} is not ready: {exc}", fix)


def _leftovers(data: DataDirectory) -> Finding:
    if DirectoryLock(data.lock_file).is_held():
        return Finding("leftovers", State.OK, "none: what runs is supervised")
    left = find_leftovers(data.running_file).pids()
    if not left:
        return Finding("leftovers", State.OK, "none")
    names = ", ".join(f"{name} {pid}" for name, pid in left.items())
    fix = "./dev down stops them; so does the next start"
    return Finding("leftovers", State.WARNING, f"still running after a crash: {names}", fix)


def _pictures(user: Mapping[str, str]) -> Finding:
    told = {**DEFAULTS, **user}
    provider, judges = told["AI_IMAGE_PROVIDER"], told["SAFETY_JUDGES"]
    detail = f"made by {provider}, judged by {judges}"
    if provider != "preview" and judges == "preview":
        fix = "every piece will wait for review: the preview judge passes preview images only"
        return Finding("images", State.WARNING, detail, fix)
    if provider == "preview":
        detail += "; previews are drawn, set AI_IMAGE_PROVIDER for generated images"
    return Finding("images", State.OK, detail)
