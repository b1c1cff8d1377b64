"""Take messages from a durable consumer, never more than there are free permits for.

Speaks the pull protocol of JetStream itself (ADR-13 of nats-io/nats-architecture-and-design:
`$JS.API.CONSUMER.MSG.NEXT`, statuses 404/408/409, idle heartbeats), because a loop on top of the
client's `fetch` either waits for the slowest of a batch or holds messages that others could work
on. Survives any outage: one request is under way at a time, and when the connection was renewed
or two heartbeats were missed it is gone (a broker that restarted, a consumer that was deleted),
and the loop asks anew.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from shared.subscriptions import leave

log = structlog.get_logger(__name__)

_NANOSECONDS = 1_000_000_000
_IDLE_HEARTBEAT = "100"
_REQUEST_ENDED = frozenset({"404", "408"})
_OFFLINE_POLL_S = 0.2
_CANCEL_LIMIT_S = 2.0


class PullLoop:
    """Feeds `handle` with messages of one durable consumer, `permits` at a time."""

    def __init__(
        self,
        nc: Client,
        *,
        stream: str,
        durable: str,
        handle: Callable[[Msg], Awaitable[None]],
        permits: int,
        expires_s: float = 30.0,
        heartbeat_s: float = 1.5,
        api_prefix: str = "$JS.API",
    ) -> None:
        if permits < 1:
            raise ValueError("permits must be at least 1")
        self._nc = nc
        self._name = f"{stream}/{durable}"
        self._next = f"{api_prefix}.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._handle = handle
        self._permits = permits
        self._request = {
            "expires": int(expires_s * _NANOSECONDS),
            "idle_heartbeat": int(heartbeat_s * _NANOSECONDS),
        }
        self._heartbeat_s = heartbeat_s
        self._inbox = nc.new_inbox()
        self._subscription: Subscription | None = None
        self._requests = 0
        self._due = 0
        self._heard_at = 0.0
        self._connection = 0
        self._running: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._stopping = False
        self._runner: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Messages being handled right now."""
        return len(self._running)

    @property
    def is_stopping(self) -> bool:
        """Whether the end has been asked for."""
        return self._stopping

    @property
    def requests(self) -> int:
        """How often the broker was asked for messages."""
        return self._requests

    def start(self) -> None:
        """Begin to take messages."""
        self._runner = asyncio.create_task(self._run(), name=f"pull {self._name}")

    async def stop(self, *, grace_s: float) -> None:
        """Take no more, hand back what was not begun, give what was begun `grace_s` to finish.

        Returns at most a few seconds after the grace, whatever the broker and the handlers do.
        """
        self._stopping = True
        self._news.set()
        if self._runner is not None:
            await self._runner
        if self._subscription is not None:
            # What arrives until then was not begun, and is handed back.
            await leave(self._nc, self._subscription)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_CANCEL_LIMIT_S)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._take()
            except Exception as exc:  # noqa: BLE001 - a loop that ends is a service that sleeps
                log.warning("pull.interrupted", consumer=self._name, error=repr(exc))
                self._due = 0
                await self._pause(self._heartbeat_s)

    async def _take(self) -> None:
        """Keep one request under way while permits are free; return when there is news."""
        if not self._nc.is_connected:
            self._due = 0
            await self._pause(_OFFLINE_POLL_S)
            return
        if self._subscription is None:
            self._subscription = await self._nc.subscribe(f"{self._inbox}.*", cb=self._on_message)
        if self._due and self._is_lost():
            self._due = 0
        if not self._due and len(self._running) < self._permits:
            await self._ask(self._permits - len(self._running))
        await self._pause(self._heartbeat_s)

    async def _ask(self, batch: int) -> None:
        self._requests += 1
        self._due = batch
        self._heard_at = self._time()
        self._connection = self._nc.stats["reconnects"]
        await self._nc.publish(
            self._next,
            json.dumps({"batch": batch, **self._request}).encode(),
            reply=f"{self._inbox}.{self._requests}",
        )

    def _is_lost(self) -> bool:
        if self._connection != self._nc.stats["reconnects"]:
            return True
        silent_s = self._time() - self._heard_at
        if silent_s <= 2 * self._heartbeat_s:
            return False
        log.warning("pull.silent", consumer=self._name, silent_s=round(silent_s, 1))
        return True

    async def _on_message(self, msg: Msg) -> None:
        if not msg.reply:
            self._on_status(msg)
            return
        self._heard_at = self._time()
        self._due = max(0, self._due - 1)
        if not self._due:
            self._news.set()
        if self._stopping or len(self._running) >= self._permits:
            # Not begun, so somebody else shall have it at once.
            await msg.nak()
            return
        task = asyncio.create_task(self._settle(msg), name=f"handle {msg.subject}")
        self._running.add(task)
        task.add_done_callback(self._on_done)

    async def _settle(self, msg: Msg) -> None:
        try:
            await self._handle(msg)
        except Exception:
            # The broker keeps the message and hands it out again after its ack wait.
            log.exception("pull.not_settled", consumer=self._name, subject=msg.subject)

    def _on_status(self, msg: Msg) -> None:
        if msg.subject != f"{self._inbox}.{self._requests}":
            return  # of a request that was given up
        self._heard_at = self._time()
        headers = msg.headers or {}
        status = headers.get("Status", "")
        if status == _IDLE_HEARTBEAT:
            return
        if status in _REQUEST_ENDED:
            self._due = 0
            self._news.set()
            return
        # A deleted consumer, a broker that shuts down, too many waiting: the request is gone.
        # It stays due, so that the silence paces the next one.
        description = headers.get("Description", "no consumer answers; run `atelier provision`")
        log.warning("pull.refused", consumer=self._name, status=status, description=description)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not self._due:
            self._news.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()
