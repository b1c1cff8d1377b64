"""A gateway on a socket, and commands that ask it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from typer.testing import CliRunner

from cli.main import app
from tests.cli.in_process import Said
from tests.eventually import eventually
from tests.gateway.backend import KEY
from tests.gateway.conftest import World

Run = Callable[..., Awaitable[Said]]


async def run(
    url: str, *arguments: str, key: str | None = KEY, answer: str = "", columns: int = 200
) -> Said:
    """`atelier …`, as a process would run it, for the gateway at `url`."""
    environment = {"ATELIER_URL": url, "ATELIER_API_KEY": key, "COLUMNS": str(columns)}

    def invoke() -> Said:
        result = CliRunner().invoke(app, list(arguments), input=answer, env=environment)
        return Said(result.exit_code, result.stdout, result.stderr)

    return await asyncio.to_thread(invoke)


@asynccontextmanager
async def served(world: World, **changes: Any) -> AsyncIterator[str]:
    """The gateway on a socket of its own, by a door with these changes, told where it is."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with world.client(public_base_url=url, **changes):
            server = uvicorn.Server(uvicorn.Config(world.app, log_config=None, lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            await eventually(lambda: server.started)
            yield url
            server.should_exit = True
            await serving
