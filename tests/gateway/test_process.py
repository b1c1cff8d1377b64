"""The gateway as a process: a real broker, a real socket, signals and exit codes."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from deploy.local.nats import EmbeddedNats
from deploy.local.processes import tethered
from services.gateway.adapters.http_server import FINISH_WITHIN_S
from shared import calls
from shared.rpc import Call
from shared.service import Service, open_service
from shared.settings import ServiceSettings
from shared.topology import Topology
from tests.builders import task_completed
from tests.cli.in_process import run_here
from tests.eventually import eventually
from tests.gateway.backend import KEY, Backend

ORDER = {"avatar_id": "ada", "custom_prompt": "reading by a window", "platform": "x"}
LIMIT_S = 60
ROOT = Path(__file__).parents[2]


@dataclass
class Running:
    """A gateway process, the backend that answers it, and what it announced."""

    process: Process
    url: str
    backend: Backend
    service: Service
    announced: socket.socket

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self.url, headers={"X-API-Key": KEY}, timeout=LIMIT_S, trust_env=False
        )

    async def complete(self, task_id: str) -> None:
        """Finish a task and write the fact to its stream, as the ledger does."""
        self.backend.finish(task_id)
        await self.service.facts.write(task_completed(task_id=task_id))

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def start(environment: Mapping[str, str]) -> Process:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.gateway",
        env={**kept, **environment},
        cwd=ROOT,
        stderr=PIPE,
    )


async def start_with(listener: socket.socket, environment: Mapping[str, str]) -> Process:
    """Start a gateway that inherits a listening socket."""
    return await asyncio.create_subprocess_exec(
        *tethered([sys.executable, "-m", "services.gateway"], listener=listener.fileno()),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        pass_fds=(listener.fileno(),),
        stderr=PIPE,
    )


def environment(tmp_path: Path, port: int, **more: str) -> dict[str, str]:
    return {
        "NATS_URL": "nats://127.0.0.1:1",
        "OBJECTS_DIR": str(tmp_path / "objects"),
        "LINK_SIGNING_KEY": "ab" * 32,
        "GATEWAY_PORT": str(port),
        "AI_IMAGE_PROVIDER": "preview",
    } | more


@asynccontextmanager
async def answering(url: str, topology: Topology, backend: Backend) -> AsyncIterator[Service]:
    """The backend on a real broker."""
    settings = ServiceSettings(nats_url=url, nats_namespace=topology.namespace)
    async with open_service("backend", settings) as service:
        for name in dir(calls):
            call = getattr(calls, name)
            if isinstance(call, Call):
                service.answer(call, _ask(backend, call))
        await service.broker.start()
        yield service


def _ask(
    backend: Backend, call: Call[calls.Asked, calls.Nothing]
) -> Callable[[calls.Asked], Awaitable[calls.Nothing]]:
    async def answer(request: calls.Asked) -> calls.Nothing:
        return await backend(call, request)

    return answer


async def _chunks(chunk: bytes, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield chunk


@pytest.fixture
async def running(
    nats_server: EmbeddedNats, provisioned: Topology, tmp_path: Path
) -> AsyncIterator[Running]:
    backend = Backend()
    backend.avatar()
    port = free_port()
    announced = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    announced.bind(str(tmp_path / "notify"))
    announced.setblocking(False)
    async with answering(nats_server.url, provisioned, backend) as service:
        process = await start(
            environment(
                tmp_path,
                port,
                NATS_URL=nats_server.url,
                NATS_NAMESPACE=provisioned.namespace,
                NOTIFY_SOCKET=str(tmp_path / "notify"),
            )
        )
        loop = asyncio.get_running_loop()
        first = await asyncio.wait_for(loop.sock_recv(announced, 100), LIMIT_S)
        assert first == b"READY=1"
        yield Running(process, f"http://127.0.0.1:{port}", backend, service, announced)
        if process.returncode is None:
            process.kill()
            await process.wait()
    announced.close()


async def test_a_piece_goes_through_a_real_broker_and_the_process_ends_cleanly(
    running: Running,
) -> None:
    async with running.client() as client:
        assert (await client.get("/health/ready")).status_code == 200
        request = asyncio.create_task(client.post("/api/v1/content/generate", json=ORDER))
        await eventually(lambda: running.backend.accepted)
        (task_id,) = running.backend.accepted
        await running.complete(task_id)
        answer = await request
        assert answer.status_code == 200, answer.text
        assert answer.json()["url"].startswith(f"{running.url}/objects/content/ada/")
        # Heard, not found by looking.
        assert running.backend.asked.count("ledger.task.get") == 1

        # A refusal reaches even a client that has not read it while still sending.
        for content in (b" " * 5_000_000, _chunks(b" " * 65536, 40)):
            refused = await client.post("/api/v1/content/batch", content=content)
            assert refused.status_code == 413

        # With a kept-alive connection and no work left, nothing is waited for.
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.process.wait(), FINISH_WITHIN_S) == 0
    assert running.announced.recv(100) == b"STOPPING=1"
    assert b"Traceback" not in await running.process.stderr.read()  # type: ignore[union-attr]


async def test_who_has_asked_or_asks_on_an_open_connection_is_answered_before_the_process_ends(
    running: Running,
) -> None:
    async with running.client() as client, running.client() as another:
        assert (await another.get("/health/live")).status_code == 200
        request = asyncio.create_task(client.post("/api/v1/content/generate", json=ORDER))
        await eventually(lambda: running.backend.accepted)
        running.process.send_signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(running.announced, 100) == b"STOPPING=1"
        answer = await another.get("/api/v1/avatars")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        with pytest.raises(httpx2.ConnectError):
            async with running.client() as late:
                await late.get("/health/live")
        (task_id,) = running.backend.accepted
        await running.complete(task_id)
        assert (await request).status_code == 200
    assert await running.ended() == 0


async def test_a_socket_that_is_handed_down_is_served_and_outlives_the_process(
    nats_server: EmbeddedNats, provisioned: Topology, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = environment(
            tmp_path, 1, NATS_URL=nats_server.url, NATS_NAMESPACE=provisioned.namespace
        )
        process = await start_with(listener, settings)
        async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT_S) as client:
            address = f"http://127.0.0.1:{port}/health/live"
            assert (await client.get(address)).status_code == 200
        process.terminate()
        assert await asyncio.wait_for(process.wait(), LIMIT_S) == 0
        # Nobody answers any more, but nobody is refused either.
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


async def test_a_stop_while_the_broker_is_still_away_is_no_failure(tmp_path: Path) -> None:
    process = await start(environment(tmp_path, free_port()))
    async with asyncio.timeout(LIMIT_S):
        async for line in process.stderr:  # type: ignore[union-attr]
            if b"broker" in line:
                break
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in rest


def test_a_taken_port_is_told_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run_here("services.gateway", **environment(tmp_path, port))
    assert said.code == 3
    assert "GATEWAY_PORT" in said.err
    assert str(port) in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("name", "value"), [("LINK_SIGNING_KEY", "abcd"), ("GENERATE_TIMEOUT_SECONDS", "soon")]
)
def test_a_wrong_setting_is_named_and_its_value_kept_secret(
    tmp_path: Path, name: str, value: str
) -> None:
    said = run_here("services.gateway", **environment(tmp_path, free_port(), **{name: value}))
    assert said.code == 2
    assert name in said.err
    assert value not in said.err


def test_a_template_file_that_cannot_be_used_stops_the_start(
    nats_server: EmbeddedNats, tmp_path: Path
) -> None:
    (tmp_path / "templates.json").write_text("{}")
    settings = {"TEMPLATES_FILE": str(tmp_path / "templates.json"), "NATS_URL": nats_server.url}
    said = run_here("services.gateway", **environment(tmp_path, free_port(), **settings))
    assert said.code == 2
    assert "TEMPLATES_FILE" in said.err
    assert "Traceback" not in said.err
