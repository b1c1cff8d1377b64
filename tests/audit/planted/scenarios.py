"""What happens during a small run, so that a bug can show."""

import json
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nats.js import JetStreamContext

from tests.audit.planted.small_run import PIECES, SmallRun
from tests.eventually import eventually

LIMIT_S = 30.0

Disturbance = Callable[[SmallRun], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who makes the images, what happens meanwhile, and who is killed where.

    `paid`: by a worker that bills, and without a judge, so that everything waits for review;
    otherwise drawn and judged at once. `failpoint`: who reaches this place first dies there.
    """

    disturb: Disturbance
    paid: bool = False
    failpoint: str | None = None


async def nothing(run: SmallRun) -> None:
    """Two orders, the first of them sent twice."""
    avatar_id = run.system.avatar()
    for key in ("first", "first", "second"):
        run.order(key, avatar_id)


async def one_order(run: SmallRun) -> None:
    """Just one."""
    run.order("only", run.system.avatar())


async def no_room_for_requests(run: SmallRun) -> None:
    """For a while the broker takes one request and refuses the others."""
    async with run.broker() as js:
        await _limit(js, "CONTENT_REQUESTED", await _messages(js, "CONTENT_REQUESTED") + 1)
        run.order("no-room-for-requests", run.system.avatar())
        await eventually(lambda: _relay_has_tried(run), timeout_s=LIMIT_S)
        await _limit(js, "CONTENT_REQUESTED", -1)


async def no_room_for_captions(run: SmallRun) -> None:
    """For a while the broker takes the captions of one piece and refuses the others."""
    async with run.broker() as js:
        images = await _messages(js, "IMAGE_GENERATED") + PIECES
        await _limit(js, "CONTENT_HOOKED", await _messages(js, "CONTENT_HOOKED") + 1)
        run.order("no-room-for-captions", run.system.avatar())
        await eventually(lambda: _holds(js, "IMAGE_GENERATED", images), timeout_s=LIMIT_S)
        await eventually(lambda: _hooks_have_tried(js, images), timeout_s=LIMIT_S)
        await _limit(js, "CONTENT_HOOKED", -1)


async def two_ends(run: SmallRun) -> None:
    """A piece is stored, and a twin of storage gives up on it; the ledger hears both at once."""
    async with run.broker() as js:
        judged = await _messages(js, "CONTENT_MODERATED") + PIECES
        stored = await _messages(js, "CONTENT_STORED") + PIECES
        os.kill(run.system.pid("storage"), signal.SIGSTOP)
        task_id = run.order("two-ends", run.system.avatar())
        await eventually(lambda: _holds(js, "CONTENT_MODERATED", judged), timeout_s=LIMIT_S)
        os.kill(run.system.pid("ledger"), signal.SIGSTOP)
        os.kill(run.system.pid("storage"), signal.SIGCONT)
        await eventually(lambda: _holds(js, "CONTENT_STORED", stored), timeout_s=LIMIT_S)
        await _give_up(js, f"content.moderated.default.{task_id}.*.1")
        os.kill(run.system.pid("ledger"), signal.SIGCONT)


async def broker_killed(run: SmallRun) -> None:
    """The broker is killed in mid-batch, and comes back."""
    run.order("broker-killed", run.system.avatar())
    os.kill(run.system.pid("nats"), signal.SIGKILL)


async def everything(run: SmallRun) -> None:
    """All of it, one after the other."""
    for disturb in (nothing, no_room_for_requests, no_room_for_captions, two_ends, broker_killed):
        await disturb(run)
        await run.ended(LIMIT_S)


async def _messages(js: JetStreamContext, stream: str) -> int:
    return (await js.stream_info(stream)).state.messages


async def _holds(js: JetStreamContext, stream: str, count: int) -> bool:
    return await _messages(js, stream) >= count


async def _relay_has_tried(run: SmallRun) -> bool:
    """Whether a round of the relay is over: what it took from the outbox is not all there."""
    return len(await run.system.rows("SELECT id FROM outbox")) < PIECES


async def _hooks_have_tried(js: JetStreamContext, images: int) -> bool:
    """Whether captions came back to be written again, or everybody believes they are written."""
    queue = await js.consumer_info("IMAGE_GENERATED", "content-hooked")
    handed_out = 0 if queue.delivered is None else queue.delivered.consumer_seq
    return handed_out > images or (not queue.num_pending and not queue.num_ack_pending)


async def _limit(js: JetStreamContext, stream: str, messages: int) -> None:
    config = (await js.stream_info(stream)).config
    await js.update_stream(config.evolve(max_msgs=messages))


async def _give_up(js: JetStreamContext, judged: str) -> None:
    message = await js.get_last_msg("CONTENT_MODERATED", judged)
    fact = json.loads(message.data or b"{}")
    halted = {
        name: fact[name]
        for name in (
            *("tenant", "task_id", "piece_id", "run", "accepted_at", "deadline_at", "brief"),
        )
    } | {"stage": "content-stored", "reason": "upload_failed", "detail": "a twin gave up"}
    tokens = (message.subject or "").removeprefix("content.moderated.")
    await js.publish(f"content.halted.{tokens}", json.dumps(halted).encode())
