"""Answer requests over NATS, shared among replicas, until it is time to leave.

FastStream's subscriber does the same through queues, contexts and middlewares that a call between
our services has no use for, and takes three times as long as the call itself.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from shared.subscriptions import leave

log = structlog.get_logger(__name__)

_CANCEL_LIMIT_S = 2.0


class Answering:
    """One subject's requests, `workers` at a time. `answer` makes the reply of a request."""

    def __init__(
        self, subject: str, answer: Callable[[bytes], Awaitable[bytes]], *, queue: str, workers: int
    ) -> None:
        self._subject = subject
        self._answer = answer
        self._queue = queue
        self._free = asyncio.Semaphore(workers)
        self._running: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None

    async def start(self, nc: Client) -> None:
        """Take requests from now on."""
        self._subscription = await nc.subscribe(
            self._subject, queue=self._queue, cb=self._on_request
        )

    async def stop(self, nc: Client, *, grace_s: float) -> None:
        """Take no more, and give those that were taken `grace_s` to be answered."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await leave(nc, subscription)
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CANCEL_LIMIT_S)

    async def _on_request(self, request: Msg) -> None:
        # Whoever finds all at work waits in the client's queue, in the order of arrival.
        await self._free.acquire()
        task = asyncio.create_task(self._reply(request), name=f"answer {self._subject}")
        self._running.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free.release()

    async def _reply(self, request: Msg) -> None:
        reply = await self._answer(request.data)
        if not request.reply:
            return
        try:
            await request.respond(reply)
        except (NatsError, OSError) as exc:
            # Whoever asked learns it by waiting in vain, and asks again.
            log.warning("rpc.not_replied", subject=self._subject, error=type(exc).__name__)
