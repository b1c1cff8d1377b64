"""The pool of connections, and transactions that take facts along."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import structlog
from sqlalchemy import Engine, Executable, Row, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from services.ledger.adapters.rowsets import inserting
from services.ledger.adapters.schema import outbox
from services.ledger.adapters.vendor_errors import translated
from shared.events import Fact
from shared.outcomes import TryLater

_CONNECT_TIMEOUT_S = 5.0
_IDLE_TRANSACTION_LIMIT_S = 60
_MOST_FRESH = 10_000
_USED_AT = "used_at"
_RESTED_AFTER_S = 1.0
_TELL_AFTER_S = 0.5
"""What nobody waits for keeps out of the way of what the next step waits for."""

_LEAVE = inserting("facts", outbox, ("fact", "body")).returning(outbox.c.id)

log = structlog.get_logger(__name__)

Tell = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections, how long they live, how long anything may take. Units: seconds."""

    size: int = 5
    overflow: int = 10
    recycle_s: int = 3600
    wait_s: float = 5.0
    statement_s: float = 10.0

    @property
    def most(self) -> int:
        """Connections that may be open at the same time."""
        return self.size + self.overflow


@dataclass(slots=True)
class Transaction:
    """A transaction: its connection, the facts it will publish, and what to do once it is sure."""

    connection: AsyncConnection
    facts: list[Fact] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    told_later: list[Tell] = field(default_factory=list)
    """As `afterwards`, but nobody waits: what has to look into the database once more."""


class Database:
    """Connections to Postgres. Everything raises TryLater while it is away."""

    def __init__(self, engine: AsyncEngine, limits: PoolLimits) -> None:
        self.engine = engine
        self.limits = limits
        self.outbox_filled = asyncio.Event()
        """Set whenever a transaction has left facts in the outbox."""
        self.fresh: deque[tuple[int, Fact]] = deque(maxlen=_MOST_FRESH)
        """Facts committed here a moment ago, by their rows; what it cannot hold is found there."""
        self._tales: list[Tell] = []
        self._telling: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def at(cls, url: URL, limits: PoolLimits | None = None) -> Self:
        """A database that is connected to when it is first needed."""
        limits = limits or PoolLimits()
        return cls(open_engine(url, limits), limits)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for questions; each statement sees what is committed by then."""
        with translated():
            async with self._reading.connect() as connection:
                yield connection

    async def do(
        self, statement: Executable, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Execute one statement, a transaction of its own."""
        with translated():
            async with self._reading.connect() as connection:
                await connection.execute(statement, parameters)

    async def ask(
        self, statement: Executable, parameters: Mapping[str, object]
    ) -> Sequence[Row[Any]]:
        """The rows that one statement gives, a transaction of its own."""
        with translated():
            async with self._reading.connect() as connection:
                return (await connection.execute(statement, parameters)).all()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction whose facts are committed with it, for the relay to publish."""
        with translated():
            async with self.engine.begin() as connection:
                transaction = Transaction(connection)
                yield transaction
                rows = await _leave_in_outbox(connection, transaction.facts)
        self.publish_soon(rows, transaction.facts)
        for act in transaction.afterwards:
            act()
        self._tell_later(transaction.told_later)

    def publish_soon(self, rows: Sequence[int], facts: Sequence[Fact]) -> None:
        """Have facts published that were committed in these rows of the outbox."""
        if rows:
            self.fresh.extend(zip(rows, facts, strict=True))
            self.outbox_filled.set()

    @property
    def in_use(self) -> int:
        """Connections in use now."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Give every connection back, once everything is told."""
        self._closing.set()
        if self._telling is not None:
            await self._telling
        await self.engine.dispose()

    def _tell_later(self, tales: Sequence[Tell]) -> None:
        self._tales.extend(tales)
        if self._tales and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(), name="telling")

    async def _tell(self) -> None:
        while self._tales:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _TELL_AFTER_S)
            tales, self._tales = self._tales, []
            try:
                async with self.read() as connection:
                    for tell in tales:
                        await tell(connection)
            except TryLater as exc:
                log.warning("database.not_told", error=exc.detail)


def open_engine(url: URL, limits: PoolLimits) -> AsyncEngine:
    """The engine behind a database; nothing may hang for ever."""
    statement_ms = round(limits.statement_s * 1000)
    engine = create_async_engine(
        url,
        pool_size=limits.size,
        max_overflow=limits.overflow,
        pool_recycle=limits.recycle_s,
        pool_timeout=limits.wait_s,
        # The connection used last knows the statements best, prepared and planned.
        pool_use_lifo=True,
        connect_args={
            "timeout": _CONNECT_TIMEOUT_S,
            # The server ends a slow statement first; this is for a server that is gone.
            "command_timeout": limits.statement_s + 2,
            "server_settings": {
                "application_name": "atelier-ledger",
                "statement_timeout": str(statement_ms),
                "lock_timeout": str(statement_ms // 2),
                "idle_in_transaction_session_timeout": str(_IDLE_TRANSACTION_LIMIT_S * 1000),
            },
        },
    )
    _ping_the_rested(engine.sync_engine)
    return engine


def _ping_the_rested(engine: Engine) -> None:
    """Replace a dead connection before it is used.

    The driver knows of most; others are asked, but not those that were used a moment ago: the
    pool's own `pre_ping` puts two questions before every transaction.
    """

    @event.listens_for(engine, "checkin")
    def _(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        driver = record.driver_connection
        if driver is None or driver.is_closed():
            raise DisconnectionError("closed by the server")
        if time.monotonic() - record.info.get(_USED_AT, math.inf) < _RESTED_AFTER_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as exc:
            raise DisconnectionError from exc


async def _leave_in_outbox(connection: AsyncConnection, facts: list[Fact]) -> Sequence[int]:
    """Ids of the facts' rows, in their order."""
    if not facts:
        return ()
    ids: Sequence[int] = (
        (await connection.execute(_LEAVE, {"facts": in_outbox(facts)})).scalars().all()
    )
    return ids


def in_outbox(facts: Iterable[Fact]) -> list[dict[str, object]]:
    """Rows of the outbox."""
    return [{"fact": fact.NAME, "body": fact.model_dump(mode="json")} for fact in facts]
