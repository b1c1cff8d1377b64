"""The frame of a service process: one broker connection, its stages and calls, a clean end."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from faststream import FastStream
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shared import logs, rpc
from shared.blobs import BlobStore, JetStreamBlobs
from shared.deadletters import JetStreamDeadLetters
from shared.events import Fact
from shared.factlog import FactLog, JetStreamFactLog
from shared.pull import PullLoop
from shared.settings import ServiceSettings, load_settings
from shared.stage import Handler, Stage
from shared.topology import Step, Topology

log = structlog.get_logger(__name__)

STOP_GRACE_S = 15.0
STAGING = "staging"
DEAD_LETTER_BODIES = "dead-letters"

S = TypeVar("S", bound=ServiceSettings)
In = TypeVar("In", bound=Fact)


class MessageDelivery:
    """A JetStream message as the stage runtime sees it."""

    def __init__(self, msg: Msg) -> None:
        self._msg = msg
        self.subject = msg.subject
        self.headers = msg.headers or {}
        self.body = msg.data
        metadata = msg.metadata
        self.sequence = metadata.sequence.stream
        self.deliveries = metadata.num_delivered

    async def ack(self) -> None:
        await self._msg.ack()

    async def hand_back(self, after_s: float) -> None:
        await self._msg.nak(delay=after_s or None)

    async def beat(self) -> None:
        await self._msg.in_progress()


@dataclass
class Service:
    """What an application is assembled on."""

    name: str
    broker: NatsBroker
    nc: Client
    js: JetStreamContext
    topology: Topology
    facts: FactLog
    staging: BlobStore
    call: rpc.Caller
    _loops: list[PullLoop] = field(default_factory=list)
    _starting: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _stopping: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def stage(self, step: Step, handler: Handler[In], *, permits: int) -> None:
        """Carry `step` with `handler`, at most `permits` messages at a time."""
        stage: Stage[In] = Stage(
            step=step,
            handler=handler,
            facts=self.facts,
            dead_letters=JetStreamDeadLetters(
                self.js, self.topology, JetStreamBlobs(self.js, self._bucket(DEAD_LETTER_BODIES))
            ),
            topology=self.topology,
        )

        async def settle(msg: Msg) -> None:
            await stage.settle(MessageDelivery(msg))

        self._loops.append(
            PullLoop(
                self.nc,
                stream=self.topology.stream(step.consumes),
                durable=step.durable,
                handle=settle,
                permits=permits,
            )
        )

    def answer(
        self,
        call: rpc.Call[rpc.Request, rpc.Reply],
        handler: Callable[[rpc.Request], Awaitable[rpc.Reply]],
        *,
        workers: int = 16,
    ) -> None:
        """Answer `call` with `handler`."""
        rpc.serve(self.broker, self.topology, call, handler, workers=workers)

    def on_start(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Run `hook` before work is taken."""
        self._starting.append(hook)

    def on_stop(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Run `hook` after the last piece of work was settled."""
        self._stopping.append(hook)

    async def start(self) -> None:
        """Take work and say that we are ready."""
        for hook in self._starting:
            await hook()
        for loop in self._loops:
            loop.start()
        announce("READY=1")
        log.info("service.ready", stages=len(self._loops))

    async def stop(self) -> None:
        """Hand back what was not begun, finish what was."""
        announce("STOPPING=1")
        await asyncio.gather(*(loop.stop(grace_s=STOP_GRACE_S) for loop in self._loops))
        for hook in self._stopping:
            await hook()
        log.info("service.stopped")

    async def serve(self) -> None:
        """Run until SIGINT or SIGTERM."""
        app = FastStream(self.broker, logger=None)
        app.after_startup(self.start)
        app.on_shutdown(self.stop)
        await app.run()

    def _bucket(self, purpose: str) -> str:
        return self.topology.bucket(purpose)


@asynccontextmanager
async def open_service(name: str, settings: ServiceSettings) -> AsyncIterator[Service]:
    """Connect to the broker, waiting for it if need be, and disconnect at the end."""
    broker = NatsBroker(
        settings.nats_url.get_secret_value(),
        name=name,
        apply_types=False,
        logger=None,
        # A broker may be away for long; the client's default gives up after a minute.
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        error_cb=_report_error,
        graceful_timeout=STOP_GRACE_S,
    )
    nc = await broker.connect()
    topology = Topology(settings.nats_namespace)
    js = nc.jetstream()
    try:
        yield Service(
            name=name,
            broker=broker,
            nc=nc,
            js=js,
            topology=topology,
            facts=JetStreamFactLog(js, topology, source=f"/atelier/{name}"),
            staging=JetStreamBlobs(js, topology.bucket(STAGING)),
            call=rpc.Caller(nc, topology),
        )
    finally:
        await broker.stop()


async def _report_error(exc: Exception) -> None:
    # Permission violations arrive here and nowhere else; to the caller they look like timeouts.
    log.warning("broker.error", error=str(exc) or type(exc).__name__)


def announce(state: str) -> None:
    """Tell the supervisor by the sd_notify protocol (systemd's sd_notify(3)), if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(state.encode(), address)
        except OSError as exc:
            log.warning("service.announce_failed", error=str(exc))


def run(
    name: str,
    settings: type[S],
    open_app: Callable[[S], AbstractAsyncContextManager[Service]],
) -> None:
    """The whole life of a service process."""
    loaded = load_settings(settings)
    logs.configure(
        service=name, level=loaded.log_level, structured=loaded.enable_structured_logging
    )

    async def main() -> None:
        async with open_app(loaded) as service:
            await service.serve()

    asyncio.run(main())
