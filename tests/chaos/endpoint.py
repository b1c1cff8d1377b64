"""Where a running Atelier is reached by whoever looks on, past the proxy."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import asyncpg
from nats.aio.client import Client
from nats.errors import Error as NatsError

OPERATOR = "operator"
AWAY = (
    OSError,
    TimeoutError,
    NatsError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What looking on raises while a server is away, or dies under the question."""
CONNECT_LIMIT_S = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Addresses and keys; none of them is ever printed."""

    url: str
    api_key: str
    nats_url: str
    operator_seed_file: str
    database_url: str

    def __repr__(self) -> str:
        return f"Endpoint(url={self.url!r})"

    @classmethod
    def of(cls, data: Path) -> Self:
        """That of the Atelier which runs in `data`."""
        told: dict[str, Any] = json.loads((data / "endpoint.json").read_text(encoding="utf-8"))
        return cls(
            told["url"],
            told["api_key"],
            told["nats_url"],
            told["nats_seed_files"][OPERATOR],
            told["database_url"],
        )

    async def row(self, query: str) -> Any:
        """One row by plain SQL; raises what the driver raises while the server is away."""
        return (await self.rows(query))[0]

    async def rows(self, query: str) -> list[Any]:
        """Rows by plain SQL; raises what the driver raises while the server is away."""
        connection = await asyncpg.connect(self.database_url, timeout=CONNECT_LIMIT_S)
        try:
            found: list[Any] = await connection.fetch(query, timeout=CONNECT_LIMIT_S)
            return found
        finally:
            connection.terminate()

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[Client]:
        """A connection as the operator; raises what the client raises while the server is away."""
        async with _connected(self.nats_url, nkeys_seed=self.operator_seed_file) as client:
            yield client

    async def lets_strangers_in(self) -> bool:
        """Whether the broker can be entered without a key."""
        try:
            async with _connected(self.nats_url):
                return True
        except AWAY:
            return False


@asynccontextmanager
async def _connected(url: str, *, nkeys_seed: str | None = None) -> AsyncIterator[Client]:
    client = Client()
    try:
        await client.connect(
            url,
            inbox_prefix=f"_INBOX_{OPERATOR}",
            allow_reconnect=False,
            connect_timeout=CONNECT_LIMIT_S,
            error_cb=_keep_quiet,
            nkeys_seed=nkeys_seed,
        )
        yield client
    finally:
        # Also after a refusal, when the client leaves its socket open.
        await client.close()


async def _keep_quiet(_: Exception) -> None:
    """What goes wrong is raised; the client's own words would only be printed."""
