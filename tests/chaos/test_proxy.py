"""The proxy carries bytes both ways, and cuts, delays and withholds them on demand."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.proxy import POSTGRES_SOCKET, Route, Streams, towards
from tests.eventually import eventually


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1000):
            writer.write(data)
    writer.close()


@dataclass
class Proxied:
    route: Route
    port: int

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def proxied_echo(directory: Path, *, late_by_s: float = 0.05) -> AsyncIterator[Proxied]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    upstream = directory / "echo.upstream"
    upstream.write_text(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    route = Route(towards(upstream), late_by_s=late_by_s)
    proxy = await asyncio.start_server(route.carry, "127.0.0.1", 0)
    try:
        yield Proxied(route, proxy.sockets[0].getsockname()[1])
    finally:
        proxy.close()
        server.close()
        route.disturb("cut", 1)
        await eventually(lambda: not route.connections)


async def said(streams: Streams, words: bytes) -> bytes:
    reader, writer = streams
    writer.write(words)
    await writer.drain()
    return await asyncio.wait_for(reader.readexactly(len(words)), 5)


async def ends(streams: Streams) -> bool:
    reader, writer = streams
    try:
        return await asyncio.wait_for(reader.read(10), 5) == b""
    except ConnectionError:
        return True
    finally:
        writer.close()


async def test_in_fair_weather_everything_passes(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path) as proxied:
        streams = await proxied.connect()
        assert await said(streams, b"x" * 300_000) == b"x" * 300_000
        assert proxied.route.connections == 1
        streams[1].close()
        await eventually(lambda: not proxied.route.connections)


async def test_a_cut_ends_every_connection_and_new_ones_pass_again(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path) as proxied:
        both = [await proxied.connect(), await proxied.connect()]
        for streams in both:
            await said(streams, b"here")
        proxied.route.disturb("cut", 0)
        assert [await ends(streams) for streams in both] == [True, True]
        again = await proxied.connect()
        assert await said(again, b"again") == b"again"
        again[1].close()


async def test_a_cut_refuses_connections_until_it_is_over(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path) as proxied:
        proxied.route.disturb("cut", 0.3)
        assert await ends(await proxied.connect())

        async def passes() -> bool:
            reader, writer = await proxied.connect()
            writer.write(b"?")
            try:
                return await asyncio.wait_for(reader.read(1), 5) == b"?"
            except ConnectionError:
                return False
            finally:
                writer.close()

        await eventually(passes, every_s=0.05)


async def test_slowness_delays_every_chunk_and_passes(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path, late_by_s=0.1) as proxied:
        streams = await proxied.connect()
        await said(streams, b"warm")
        proxied.route.disturb("slow", 5)
        began = time.monotonic()
        assert await said(streams, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.2  # there and back
        streams[1].close()


async def test_muteness_withholds_and_then_delivers(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path) as proxied:
        streams = await proxied.connect()
        await said(streams, b"warm")
        proxied.route.disturb("mute", 0.3)
        began = time.monotonic()
        assert await said(streams, b"patience") == b"patience"
        assert time.monotonic() - began >= 0.25
        streams[1].close()


async def test_who_connects_while_nobody_is_there_sees_the_end(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path) as proxied:
        (tmp_path / "echo.upstream").write_text("127.0.0.1:9")
        assert await ends(await proxied.connect())


async def test_a_directory_means_the_socket_of_postgres_in_it(tmp_path: Path) -> None:
    finished = asyncio.Event()

    async def echo_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        await writer.wait_closed()
        finished.set()

    server = await asyncio.start_unix_server(echo_once, tmp_path / POSTGRES_SOCKET)
    (tmp_path / "postgres.upstream").write_text(str(tmp_path))
    streams = await towards(tmp_path / "postgres.upstream")()
    assert await said(streams, b"select") == b"select"
    streams[1].close()
    await finished.wait()
    server.close()


async def test_unknown_weather_is_refused(tmp_path: Path) -> None:
    async with proxied_echo(tmp_path) as proxied:
        with pytest.raises(ValueError, match="no such weather"):
            proxied.route.disturb("hail", 1)
