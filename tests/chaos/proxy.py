"""A proxy between the services and what they connect to, with weather on demand.

A process of its own: `python -m tests.chaos.proxy DIRECTORY`. It listens for every route, prints
the addresses as one line of JSON, and takes one command a line: `{"route", "kind", "for_s"}`.
Where a route leads stands in `DIRECTORY/<route>.upstream`, which is read at every connection.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.chaos.schedule import NATS, POSTGRES, PROVIDER, ROUTES
from tests.chaos.stdin import stdin_lines

CHUNK_BYTES = 65_536
LATE_BY_S = 0.05
POSTGRES_SOCKET = ".s.PGSQL.5432"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


class Route:
    """Carries connections to one upstream, in the weather of the moment."""

    def __init__(self, connect: Connect, *, late_by_s: float = LATE_BY_S) -> None:
        self._connect = connect
        self._late_by_s = late_by_s
        self._open: set[asyncio.StreamWriter] = set()
        self._cut_until = self._slow_until = self._mute_until = 0.0

    @property
    def connections(self) -> int:
        """Connections that are being carried."""
        return len(self._open) // 2

    def disturb(self, kind: str, for_s: float) -> None:
        """Begin `cut`, `slow` or `mute` for so many seconds; a cut of 0 s only ends connections."""
        until = _now() + for_s
        match kind:
            case "cut":
                self._cut_until = until
                for writer in self._open:
                    writer.transport.abort()
            case "slow":
                self._slow_until = until
            case "mute":
                self._mute_until = until
            case _:
                raise ValueError(f"no such weather: {kind}")

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        upstream: asyncio.StreamWriter | None = None
        self._open.add(writer)
        try:
            if _now() < self._cut_until:
                return
            up_reader, upstream = await self._connect()
            self._open.add(upstream)
            await _until_either_ends(self._pump(reader, upstream), self._pump(up_reader, writer))
        except OSError:
            return  # nobody there: whoever connected sees the end of the connection
        finally:
            for end in (writer, upstream):
                if end is not None:
                    self._open.discard(end)
                    end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._weather()
            writer.write(data)
            await writer.drain()
        await writer.drain()

    async def _weather(self) -> None:
        await asyncio.sleep(max(0.0, self._mute_until - _now()))
        if _now() < self._slow_until:
            await asyncio.sleep(self._late_by_s)


async def _until_either_ends(*pumps: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _now() -> float:
    return asyncio.get_running_loop().time()


def upstream_file(directory: Path, route: str) -> Path:
    """Where it stands to which address a route leads."""
    return directory / f"{route}.upstream"


def towards(file: Path) -> Connect:
    """Connect to the `host:port`, or to the Postgres socket in the directory, named by `file`."""

    async def connect() -> Streams:
        address = file.read_text(encoding="utf-8")
        if address.startswith("/"):
            return await asyncio.open_unix_connection(f"{address}/{POSTGRES_SOCKET}")
        host, _, port = address.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    return connect


async def main(directory: Path) -> None:
    """Serve every route and obey until the standard input ends."""
    routes = {name: Route(towards(upstream_file(directory, name))) for name in ROUTES}
    addresses = {}
    for name in (NATS, PROVIDER):
        server = await asyncio.start_server(routes[name].carry, "127.0.0.1", 0)
        addresses[name] = str(server.sockets[0].getsockname()[1])
    await asyncio.start_unix_server(routes[POSTGRES].carry, directory / POSTGRES_SOCKET)
    addresses[POSTGRES] = str(directory)
    print(json.dumps(addresses), flush=True)  # noqa: T201 - for our starter
    async for line in await stdin_lines():
        command = json.loads(line)
        routes[command["route"]].disturb(command["kind"], command["for_s"])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
