"""Take messages from a durable consumer, never more than there are free permits for.

Speaks the pull protocol of JetStream itself (ADR-13 of nats-io/nats-architecture-and-design:
`$JS.API.CONSUMER.MSG.NEXT`, statuses 404/408/409, idle heartbeats), because a loop on top of the
client's `fetch` either waits for the slowest of a batch or holds messages that others could work
on. Survives any outage: silence longer than two heartbeats means the request is lost (a broker
that restarted, a consumer that was deleted), and the loop asks anew.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

log = structlog.get_logger(__name__)

_NANOSECONDS = 1_000_000_000
_IDLE_HEARTBEAT = "100"
_REQUEST_ENDED = frozenset({"404", "408"})


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
        self._expires_s = expires_s
        self._heartbeat_s = heartbeat_s
        self._asked = 0
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._subscription: Subscription | None = None
        self._heard_at = 0.0
        self._runner: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Messages being handled right now."""
        return len(self._running)

    def start(self) -> None:
        """Begin to take messages."""
        self._runner = asyncio.create_task(self._run(), name=f"pull {self._name}")

    async def stop(self, *, grace_s: float) -> None:
        """Take no more, hand back what was not begun, give what was begun `grace_s` to finish."""
        self._stopping = True
        self._wake.set()
        if self._runner is not None:
            await self._runner
        await self._forget_subscription(drain=True)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        delay_s = 0.1
        while not self._stopping:
            try:
                await self._take()
                delay_s = 0.1
            except (NatsError, OSError, TimeoutError) as exc:
                log.warning("pull.interrupted", consumer=self._name, error=type(exc).__name__)
                await self._forget_subscription(drain=False)
                await self._pause(delay_s)
                delay_s = min(delay_s * 2, 2.0)

    async def _take(self) -> None:
        if self._subscription is None:
            await self._subscribe()
        await self._ask()
        await self._pause(self._heartbeat_s)
        if self._asked and self._silent_s() > 2 * self._heartbeat_s:
            raise TimeoutError(f"{self._name} is silent")

    async def _subscribe(self) -> None:
        inbox = self._nc.new_inbox()
        self._subscription = await self._nc.subscribe(inbox, cb=self._on_message)
        self._asked = 0
        self._heard_at = self._time()

    async def _ask(self) -> None:
        free = self._permits - len(self._running) - self._asked
        # Many permits are topped up in halves: one request for each message would double the
        # traffic. A single permit is asked for as soon as it frees.
        if self._stopping or free < max(1, self._permits // 2) and self._asked:
            return
        if free < 1 or self._subscription is None:
            return
        if self._asked == 0:
            self._heard_at = self._time()
        self._asked += free
        request = {
            "batch": free,
            "expires": int(self._expires_s * _NANOSECONDS),
            "idle_heartbeat": int(self._heartbeat_s * _NANOSECONDS),
        }
        await self._nc.publish(
            self._next, json.dumps(request).encode(), reply=self._subscription.subject
        )

    async def _on_message(self, msg: Msg) -> None:
        self._heard_at = self._time()
        if not msg.reply:
            self._on_status(msg.headers or {})
            return
        self._asked = max(0, self._asked - 1)
        if self._stopping or len(self._running) >= self._permits:
            await msg.nak()
            return
        task = asyncio.create_task(self._handle(msg), name=f"handle {msg.subject}")
        self._running.add(task)
        task.add_done_callback(self._on_done)

    def _on_status(self, headers: Mapping[str, str]) -> None:
        status = headers.get("Status", "")
        if status == _IDLE_HEARTBEAT:
            return
        if status in _REQUEST_ENDED:
            left = headers.get("Nats-Pending-Messages")
            self._asked = max(0, self._asked - int(left)) if left is not None else 0
            self._wake.set()
            return
        # A deleted consumer, a broker that shuts down, too many waiting: the request is gone.
        # Leave it counted, so that the silence watchdog paces the next one.
        description = headers.get("Description", "no consumer answers; run `atelier provision`")
        log.warning("pull.refused", consumer=self._name, status=status, description=description)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("pull.handler_escaped", consumer=self._name, exc_info=exc)

    async def _forget_subscription(self, *, drain: bool) -> None:
        subscription, self._subscription, self._asked = self._subscription, None, 0
        if subscription is None:
            return
        try:
            # Draining also runs what has arrived but was not begun: `_on_message` hands it back.
            await (subscription.drain() if drain else subscription.unsubscribe())
        except (NatsError, OSError, TimeoutError) as exc:
            log.debug("pull.unsubscribe_failed", consumer=self._name, error=type(exc).__name__)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    def _silent_s(self) -> float:
        return self._time() - self._heard_at

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()
