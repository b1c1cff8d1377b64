"""A database whose rows can be taken away, all of them and at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import asyncpg

_ALONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
_KEPT = {"alembic_version"}
_MANY = 2000


@dataclass(frozen=True)
class Tables:
    """The tables behind an address. Fixtures use it, outside of the loops of tests."""

    dsn: str
    connection: asyncpg.Connection
    loop: asyncio.AbstractEventLoop
    names: tuple[str, ...]
    sequences: tuple[str, ...]

    @classmethod
    @contextmanager
    def of(cls, dsn: str) -> Iterator[Self]:
        """The tables at an address, as long as they are used."""
        loop = asyncio.new_event_loop()
        do = loop.run_until_complete
        connection = do(asyncpg.connect(dsn))
        names = [row[0] for row in do(connection.fetch(_TABLES)) if row[0] not in _KEPT]
        sequences = [row[0] for row in do(connection.fetch(_SEQUENCES))]
        yield cls(dsn, connection, loop, tuple(names), tuple(sequences))
        do(connection.close())
        do(asyncio.sleep(0))  # what it was connected by is closed in the next round
        loop.close()

    def empty(self) -> None:
        """Remove every row. Nobody else is connected then, and numbers begin at one again."""
        self.loop.run_until_complete(self._empty())

    async def _empty(self) -> None:
        await self.connection.execute(_ALONE)
        async with self.connection.transaction():
            # Books that only grow refuse to shrink, but for who restores a copy of them.
            await self.connection.execute("SET LOCAL session_replication_role = replica")
            if sum([await self._removed(name) for name in self.names]) > _MANY:
                # Their places are not free before somebody tidies up, and would be searched.
                await self.connection.execute(f"TRUNCATE {', '.join(self.names)}")
            for name in self.sequences:
                await self.connection.execute(f"SELECT setval('{name}', 1, false)")

    async def _removed(self, name: str) -> int:
        done: str = await self.connection.execute(f"DELETE FROM {name}")
        return int(done.rsplit(maxsplit=1)[-1])
