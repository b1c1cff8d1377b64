"""The frame of a service process: one broker connection, its stages and calls, a clean end."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import structlog
from faststream import FastStream
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry

from shared import logs, rpc
from shared.blobs import BlobStore, JetStreamBlobs
from shared.broker import Broker, Unwelcome
from shared.deadletters import JetStreamDeadLetters
from shared.events import Fact
from shared.factlog import FactLog, JetStreamFactLog
from shared.metrics import metrics
from shared.pull import PullLoop
from shared.settings import ServiceSettings, fail_misconfigured, load_settings
from shared.stage import Handler, Read, Stage, WaitedLong
from shared.subscriptions import confirmed
from shared.topology import Step, Topology

log = structlog.get_logger(__name__)

STOP_GRACE_S = 12.0
CALL_GRACE_S = 5.0
EXIT_DISCONNECTED = 1
_HEARD_WITHIN_S = 3.0
_ASK_AGAIN_AFTER_S = 0.2
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
        self.stored_at = metadata.timestamp
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
    broker: Broker
    nc: Client
    js: JetStreamContext
    topology: Topology
    facts: FactLog
    staging: BlobStore
    call: rpc.Caller
    metrics: CollectorRegistry
    _loops: list[PullLoop] = field(default_factory=list)
    _starting: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _stopping: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def stage(
        self,
        step: Step,
        handler: Handler[In],
        *,
        permits: int,
        read: Read[In] | None = None,
        waited_long: WaitedLong[In] | None = None,
    ) -> None:
        """Carry `step` with `handler`, at most `permits` messages at a time.

        `read` is for facts that other systems write; ours need none. `waited_long` may end the
        wait of a piece before its deadline does.
        """
        stage: Stage[In] = Stage(
            step=step,
            handler=handler,
            facts=self.facts,
            dead_letters=JetStreamDeadLetters(self.js, self.topology, self._dead_letter_bodies()),
            topology=self.topology,
            read=read,
            waited_long=waited_long,
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
        self.broker.answer(rpc.answering(self.topology, call, handler, workers=workers))

    @property
    def loops(self) -> tuple[PullLoop, ...]:
        """The loops behind the stages, in the order in which these were declared."""
        return tuple(self._loops)

    def on_start(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Run `hook` before work is taken."""
        self._starting.append(hook)

    def on_stop(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Run `hook` after the last piece of work was settled and the last call answered."""
        self._stopping.append(hook)

    async def start(self) -> None:
        """Take work and say that we are ready."""
        await self.take_work()
        announce("READY=1")
        log.info("service.ready", stages=len(self._loops))

    async def take_work(self) -> None:
        """Carry the stages from now on. Saying that we are ready is left to the caller."""
        for hook in self._starting:
            await hook()
        for loop in self._loops:
            loop.start()
        await self._heard()

    async def _heard(self) -> None:
        """Ready means that the broker knows what we answer, not that we have told it so.

        It may be killed at this very moment: then it hears it once it is back.
        """
        while not await self._is_heard():
            if self.broker.lost.is_set():
                return  # whoever serves leaves for that
            await asyncio.sleep(_ASK_AGAIN_AFTER_S)

    async def _is_heard(self) -> bool:
        try:
            await confirmed(self.nc, limit_s=_HEARD_WITHIN_S)
        except (NatsError, TimeoutError) as exc:
            log.info("service.not_heard", cause=type(exc).__name__)
            return False
        # Without a connection the client confirms what it only keeps.
        return bool(self.nc.is_connected)

    async def stop(self) -> None:
        """Hand back what was not begun, finish what was."""
        announce("STOPPING=1")
        loops = (loop.stop(grace_s=STOP_GRACE_S) for loop in self._loops)
        await asyncio.gather(self.broker.stop_answering(), *loops)
        for hook in self._stopping:
            await hook()
        log.info("service.stopped")

    async def serve(self) -> None:
        """Run until SIGINT or SIGTERM; exits with a failure if the broker is lost for good."""
        app = FastStream(self.broker, logger=None)
        app.after_startup(self.start)
        app.on_shutdown(self.stop)
        watch = asyncio.create_task(self._exit_when_lost(app))
        try:
            await app.run()
        finally:
            watch.cancel()
        if self.broker.lost.is_set():
            raise SystemExit(EXIT_DISCONNECTED)

    async def _exit_when_lost(self, app: FastStream) -> None:
        await self.broker.lost.wait()
        app.exit()

    def _dead_letter_bodies(self) -> BlobStore:
        # They are evidence: only an operator clears them.
        bucket = self.topology.bucket(DEAD_LETTER_BODIES)
        return JetStreamBlobs(self.js, bucket, may_purge=False)


@asynccontextmanager
async def open_service(name: str, settings: ServiceSettings) -> AsyncIterator[Service]:
    """Connect to the broker, waiting for it if need be, and disconnect at the end."""
    seed = settings.nats_nkey_seed
    broker = Broker(
        settings.nats_url.get_secret_value(),
        name=name,
        grace_s=CALL_GRACE_S,
        nkey_seed=None if seed is None else seed.get_secret_value(),
    )
    try:
        nc = await broker.meet()
    except Unwelcome:
        raise fail_misconfigured(
            "NATS_URL, NATS_NKEY_SEED", "the broker refuses these credentials"
        ) from None
    topology = Topology(settings.nats_namespace)
    js = nc.jetstream()
    try:
        with metrics(settings) as registry:
            yield Service(
                name=name,
                broker=broker,
                nc=nc,
                js=js,
                topology=topology,
                facts=JetStreamFactLog(js, topology, source=f"/atelier/{name}"),
                staging=JetStreamBlobs(js, topology.bucket(STAGING)),
                call=rpc.Caller(nc, topology),
                metrics=registry,
            )
    finally:
        await broker.stop()


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
        # Until the service runs, a stop means: do not even begin.
        begin = cast("asyncio.Task[None]", asyncio.current_task())
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, begin.cancel)
        async with open_app(loaded) as service:
            await service.serve()

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        log.info("service.stopped_before_it_began")
