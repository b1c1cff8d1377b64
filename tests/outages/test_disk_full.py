"""Something is full: orders are refused at the door, what was accepted goes on or waits."""

import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext

from tests.e2e.system import System
from tests.eventually import eventually
from tests.generator.worker_stub import Worker
from tests.outages.books import (
    assert_bought_once,
    assert_each_ended_once,
    half_written,
    settled_s,
    states,
)
from tests.outages.customers import Customers, customers
from tests.outages.figures import tell
from tests.outages.images import bulky
from tests.outages.whole import whole_atelier

pytestmark = pytest.mark.outage

MB = 2**20
NOTICED_WITHIN_S = 15.0
SMALL_STORE_MB = 16


async def test_full_streams_refuse_orders_until_they_are_given_room(
    tmp_path: Path, worker: Worker
) -> None:
    worker.delay_s = lambda _: 0.0
    pieces = 300
    with whole_atelier(tmp_path, worker) as system:
        avatar = system.avatar()
        await _limit_streams(system, max_bytes=400_000)
        async with customers(system) as clients:
            await clients.order(avatar, pieces)
            full_s = await _refused_for_want_of_room(clients, avatar)
            ended_before = await _standstill(system)
            await _limit_streams(system, max_bytes=64 * MB)
            room_at = time.monotonic()
            await clients.order(avatar, 1)
            taken_s = time.monotonic() - room_at
        ended_s = await settled_s(system, clients.pieces, limit_s=120)
        tell(
            f"streams full at {ended_before} of {pieces} pieces",
            refused_after_s=full_s,
            orders_again_s=taken_s,
            all_ended_s=taken_s + ended_s,
        )
        await assert_each_ended_once(system, clients.pieces)
        await assert_bought_once(system, clients.pieces, asked=len(worker.asked))


async def test_a_full_staging_area_refuses_orders_until_it_is_cleared(
    tmp_path: Path, worker: Worker
) -> None:
    worker.image = bulky
    pieces = 20
    with _small_broker(tmp_path, SMALL_STORE_MB), whole_atelier(tmp_path, worker) as system:
        avatar = system.avatar()
        hooks = system.pid("hooks")
        async with customers(system) as clients:
            os.kill(hooks, signal.SIGSTOP)
            await clients.order(avatar, pieces)
            full_s = await _refused_for_want_of_room(clients, avatar)
            await _standstill(system)
            os.kill(hooks, signal.SIGCONT)
            room_at = time.monotonic()
            await clients.order(avatar, 1)
            taken_s = time.monotonic() - room_at
        ended_s = await settled_s(system, clients.pieces, limit_s=120)
        tell(
            f"staging full, {pieces} pieces of {len(bulky(512, 512)) / MB:.1f} MB",
            refused_after_s=full_s,
            orders_again_s=taken_s,
            all_ended_s=taken_s + ended_s,
        )
        await assert_each_ended_once(system, clients.pieces)
        await assert_bought_once(system, clients.pieces, asked=len(worker.asked))


async def test_a_full_disk_of_objects_loses_nothing_and_leaves_no_half_file(
    tmp_path: Path, worker: Worker
) -> None:
    worker.image = bulky
    pieces = 60
    objects = tmp_path / "objects"
    settings = {"OBJECTS_DIR": str(objects), "OBJECTS_RESERVE_MB": "3"}
    with _disk(objects, megabytes=8), whole_atelier(tmp_path, worker, **settings) as system:
        avatar = system.avatar()
        async with customers(system) as clients:
            await clients.order(avatar, pieces)
            full_s = await _refused_for_want_of_room(clients, avatar)
            ended_before = await _standstill(system)
            assert 0 < ended_before < pieces
            _resize_disk(objects, megabytes=64)
            room_at = time.monotonic()
            await clients.order(avatar, 1)
            taken_s = time.monotonic() - room_at
        ended_s = await settled_s(system, clients.pieces, limit_s=120)
        tell(
            f"objects full at {ended_before} of {pieces} pieces",
            refused_after_s=full_s,
            orders_again_s=taken_s,
            all_ended_s=taken_s + ended_s,
        )
        await assert_each_ended_once(system, clients.pieces, objects=objects)
        assert not half_written(objects)
        await assert_bought_once(system, clients.pieces, asked=len(worker.asked))


async def _refused_for_want_of_room(clients: Customers, avatar: str) -> float:
    """Seconds until an order is refused as it should be; those before it are accepted."""
    began = time.monotonic()

    async def refused() -> bool:
        body = {"avatar_id": avatar, "num_pieces": 1, "platform": "instagram"}
        answer = await clients.ask("POST", "/content/batch", json=body)
        assert answer is not None
        if answer.status_code == 202:
            clients.accepted[answer.json()["task_id"]] = 1
            return False
        assert (answer.status_code, answer.json()["code"]) == (503, "no_room"), answer.text
        return True

    await eventually(refused, NOTICED_WITHIN_S, every_s=0.5)
    assert not clients.impolite
    return time.monotonic() - began


async def _standstill(system: System) -> int:
    """Wait until nothing moves for three seconds; how many pieces have been delivered."""
    seen, since = await states(system), time.monotonic()

    async def nothing_moves() -> bool:
        nonlocal seen, since
        now = await states(system)
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 3.0

    await eventually(nothing_moves, 60.0, every_s=0.25)
    return seen["persisted"]


@contextmanager
def _small_broker(directory: Path, megabytes: int) -> Iterator[None]:
    """The broker of the Atelier that is started next may keep no more than this."""
    nats_directory = directory / "data" / "nats"
    nats_directory.mkdir(parents=True)
    (directory / "data" / "atelier-data").write_text("1")
    choices = {"token": "not-used-with-users", "max_file_store": megabytes * MB}
    (nats_directory / "choices.json").write_text(json.dumps(choices))
    (nats_directory / "choices.json").chmod(0o600)
    yield


@contextmanager
def _disk(directory: Path, *, megabytes: int) -> Iterator[None]:
    """A small file system at `directory`, which only root can make."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(directory)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _resize_disk(directory: Path, *, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(directory)], check=True)


async def _limit_streams(system: System, *, max_bytes: int) -> None:
    """Give every stream of facts that much room, as an operator may."""
    async with _operator(system) as js:
        for stream in await js.streams_info():
            if not str(stream.config.name).startswith("OBJ_"):
                await js.update_stream(stream.config.evolve(max_bytes=max_bytes))


@asynccontextmanager
async def _operator(system: System) -> AsyncIterator[JetStreamContext]:
    endpoint = system.endpoint
    nc = await nats.connect(
        endpoint["nats_url"],
        nkeys_seed=endpoint["nats_seed_files"]["operator"],
        inbox_prefix="_INBOX_operator",
    )
    try:
        yield nc.jetstream()
    finally:
        await nc.close()
