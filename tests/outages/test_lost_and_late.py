"""A fact is lost, the piece is asked for again, and then the first run turns up after all."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from deploy.local.nats import EmbeddedNats
from shared.topology import GENERATE_BULK, Step, Topology
from tests.e2e.system import System
from tests.eventually import eventually
from tests.generator.worker_stub import Worker
from tests.outages.books import assert_bought_once, assert_each_ended_once, delivered, settled_s
from tests.outages.customers import customers
from tests.outages.figures import tell
from tests.outages.servers import kill
from tests.outages.whole import whole_atelier

pytestmark = pytest.mark.outage

QUICK_SWEEPS = {"STALL_SECONDS": "3", "SWEEP_INTERVAL_SECONDS": "0.5"}
SOON_S = 30.0


async def test_a_late_twin_of_an_older_run_leaves_nothing_behind(
    tmp_path: Path, worker: Worker
) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker, _stranger(broker.url) as js:
        with whole_atelier(tmp_path, worker, NATS_URL=broker.url, **QUICK_SWEEPS) as system:
            objects = system.data / "objects"
            avatar = system.avatar()
            hooks = system.pid("hooks")
            with _paused(hooks):
                async with customers(system) as clients:
                    await clients.order(avatar, 1)
                lost = await _lose(js, "IMAGE_GENERATED")
                await eventually(lambda: _is_settled(js, GENERATE_BULK), SOON_S, every_s=0.1)
                # It holds the fact already, and shall not work on it.
                kill(hooks)
            with _paused(system.pid("generator")):
                await eventually(lambda: _runs(system, 2), SOON_S, every_s=0.1)
                await _send_again(js, lost)
                await eventually(lambda: _count(js, "CONTENT_STORED", 1), SOON_S, every_s=0.1)
                await eventually(lambda: _count(js, "DELIVERY_WITHDRAWN", 1), SOON_S, every_s=0.1)
                await eventually(lambda: not delivered(objects), SOON_S, every_s=0.1)
                [piece] = await system.rows("select state, current_run from pieces")
                assert (piece["state"] != "persisted", piece["current_run"]) == (True, 2)
            ended_s = await settled_s(system, 1, limit_s=SOON_S)
            await assert_each_ended_once(system, 1)
            await assert_bought_once(system, 1, asked=len(worker.asked))
            assert len(worker.asked) == 1
            tell("late twin withdrawn, bought image adopted", all_ended_s=ended_s)


async def _lose(js: JetStreamContext, stream: str) -> RawStreamMsg:
    """Take the first message out of a stream."""
    await eventually(lambda: _count(js, stream, 1), SOON_S, every_s=0.1)
    message = await js.get_msg(stream, 1)
    await js.delete_msg(stream, 1)
    return message


async def _send_again(js: JetStreamContext, lost: RawStreamMsg) -> None:
    # The broker remembers for a while which messages it had, and drops their like.
    headers = {name: text for name, text in (lost.headers or {}).items() if name != "Nats-Msg-Id"}
    ack = await js.publish(str(lost.subject), lost.data or b"", headers=headers)
    assert not ack.duplicate


async def _is_settled(js: JetStreamContext, step: Step) -> bool:
    info = await js.consumer_info(Topology().stream(step.consumes), step.durable)
    return not (info.num_pending or info.num_ack_pending)


async def _count(js: JetStreamContext, stream: str, wanted: int) -> bool:
    return (await js.stream_info(stream)).state.messages == wanted


async def _runs(system: System, run: int) -> bool:
    rows = await system.rows("select current_run from pieces")
    return [row["current_run"] for row in rows] == [run]


@contextmanager
def _paused(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def _stranger(url: str) -> AsyncIterator[JetStreamContext]:
    """Somebody who may do anything on the broker."""
    nc = await nats.connect(url)
    try:
        yield nc.jetstream()
    finally:
        await nc.close()
