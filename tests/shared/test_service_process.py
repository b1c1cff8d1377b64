"""A service as its supervisor sees it: readiness, signals and exit codes."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.nats import EmbeddedNats
from tests.eventually import PATIENCE_S
from tests.ports import free_port

PROGRAM = """
from contextlib import asynccontextmanager
from shared.service import open_service, run
from shared.settings import ServiceSettings

@asynccontextmanager
async def open_app(settings):
    async with open_service("demo", settings) as service:
        yield service

run("demo", ServiceSettings, open_app)
"""

Process = asyncio.subprocess.Process


@asynccontextmanager
async def running(**environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def said(supervisor: socket.socket) -> str:
    word = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(supervisor, 64), PATIENCE_S)
    return word.decode()


async def ended(process: Process) -> int:
    return await asyncio.wait_for(process.wait(), PATIENCE_S)


async def test_it_says_when_it_is_ready_and_ends_politely(
    nats_server: EmbeddedNats, supervisor: socket.socket
) -> None:
    address = supervisor.getsockname()
    async with running(NATS_URL=nats_server.url, NOTIFY_SOCKET=address) as process:
        assert await said(supervisor) == "READY=1"
        process.send_signal(signal.SIGTERM)
        assert await said(supervisor) == "STOPPING=1"
        assert await ended(process) == 0


async def test_it_ends_politely_while_the_broker_is_away(
    tmp_path: Path, supervisor: socket.socket
) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        address = supervisor.getsockname()
        async with running(NATS_URL=broker.url, NOTIFY_SOCKET=address) as process:
            assert await said(supervisor) == "READY=1"
            await broker.kill()
            process.send_signal(signal.SIGTERM)
            assert await ended(process) == 0


async def test_it_ends_politely_when_it_never_met_a_broker() -> None:
    async with running(NATS_URL="nats://127.0.0.1:1") as process:
        assert process.stderr is not None
        assert b"broker.error" in await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0


async def test_it_refuses_to_start_without_its_settings() -> None:
    async with running() as process:
        _, err = await process.communicate()
        assert process.returncode == 2
        assert err.decode().count("\n") == 1
        assert "NATS_URL" in err.decode()


async def test_it_refuses_to_start_with_wrong_credentials(nats_server: EmbeddedNats) -> None:
    async with running(NATS_URL=f"nats://hunter2@127.0.0.1:{nats_server.port}") as process:
        _, err = await process.communicate()
        assert process.returncode == 2
        assert "NATS_URL" in err.decode().splitlines()[-1]
        assert "hunter2" not in err.decode()


async def test_figures_are_served_where_a_port_is_set(
    nats_server: EmbeddedNats, supervisor: socket.socket
) -> None:
    port = free_port()
    environment = {"NATS_URL": nats_server.url, "NOTIFY_SOCKET": supervisor.getsockname()}
    async with running(**environment, METRICS_PORT=str(port)):
        assert await said(supervisor) == "READY=1"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert b"process_resident_memory_bytes" in answer


async def test_a_port_that_is_taken_stops_the_service_and_is_named(
    nats_server: EmbeddedNats,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with running(NATS_URL=nats_server.url, METRICS_PORT=port) as process:
            _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    assert b"METRICS_PORT" in errors
