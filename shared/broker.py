"""The connection to NATS: it survives outages, says what went wrong, and ends without a fuss."""

import asyncio
from types import TracebackType

import structlog
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.answering import Answering
from shared.client import UnshakenClient
from shared.permissions import inbox_of

log = structlog.get_logger(__name__)

_DRAIN_LIMIT_S = 2.0


class Unwelcome(Exception):
    """The server refuses our credentials; trying again would not help."""


class Broker(NatsBroker):
    """FastStream's broker without the ways in which it can go deaf.

    `lost` is set when the connection was closed for good, by nobody's wish: the process should
    end, so that whoever supervises it starts a new one.
    """

    def __init__(
        self, url: str, *, name: str, grace_s: float, nkey_seed: str | None = None
    ) -> None:
        super().__init__(
            url,
            name=name,
            nkeys_seed_str=nkey_seed,
            # Of our own: nobody else may read what we are answered.
            inbox_prefix=inbox_of(name),
            apply_types=False,
            logger=None,
            # A broker may be away for long; the client's default gives up after a minute.
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            drain_timeout=int(_DRAIN_LIMIT_S),
            graceful_timeout=grace_s,
        )
        self._grace_s = grace_s
        self._answerings: list[Answering] = []
        self._met = False
        self._leaving = False
        self.lost = asyncio.Event()

    async def meet(self) -> Client:
        """Connect, waiting for the server as long as it takes.

        Raises Unwelcome if it refuses our credentials.
        """
        nc = await self.connect()
        self._met = True
        return nc

    async def _connect(self) -> Client:
        # FastStream's own error callback raises for what it holds to be fatal. Raised inside the
        # client's reconnecting that ends it, and nobody would ever know.
        callbacks = {"error_cb": self._on_error, "closed_cb": self._on_closed}
        nc = UnshakenClient()
        try:
            await nc.connect(**(self._connection_kwargs | callbacks))
        except BaseException:
            await nc.close()
            raise
        self.config.connect(nc)
        return nc

    def answer(self, answering: Answering) -> None:
        """Answer these calls, too, once we start."""
        self._answerings.append(answering)

    async def start(self) -> None:
        """Connect, and take calls."""
        await super().start()
        nc = await self.connect()
        for answering in self._answerings:
            await answering.start(nc)

    async def stop_answering(self) -> None:
        """Take no more calls, and finish those that were taken."""
        nc = self._connection
        if nc is not None:
            grace_s = self._grace_s
            await asyncio.gather(*(one.stop(nc, grace_s=grace_s) for one in self._answerings))

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        self._leaving = True
        nc = self._connection
        try:
            await self.stop_answering()
            await super().stop(exc_type, exc_val, exc_tb)
        except (NatsError, OSError, TimeoutError) as exc:
            log.warning("broker.left_without_goodbye", error=repr(exc))
        if nc is not None and not nc.is_closed:
            await nc.close()

    async def _on_error(self, exc: Exception) -> None:
        # Permission violations arrive here and nowhere else; to the caller they look like timeouts.
        log.warning("broker.error", error=str(exc) or type(exc).__name__)
        if not self._met and "authorization violation" in str(exc).lower():
            raise Unwelcome

    async def _on_closed(self) -> None:
        if self._met and not self._leaving:
            log.error("broker.closed_for_good")
            self.lost.set()
