"""Real servers for the tests: one broker and one database a session, a namespace a test.

A missing server is a failure, not a skip.
"""

import asyncio
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpcore2
import nats
import pytest
import structlog
from hypothesis import settings
from nats.aio.client import Client
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from deploy.local.postgres import EmbeddedPostgres
from shared.provision import Limits, provision
from shared.topology import Topology
from tests.e2e.sharing import pytest_xdist_make_scheduler  # noqa: F401 - a hook

# Whoever shares out the tests sets it, and a console that is made later would keep that width.
os.environ.pop("COLUMNS", None)

# A shell without job control has what it puts into the background ignore it, and with us whatever
# we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("busy-machine", deadline=None)
settings.load_profile("busy-machine")

# Asserts outside test modules; here, because several directories import them.
pytest.register_assert_rewrite("tests.outages.books", "tests.outages.customers")

SMALL = Limits(stream_bytes=16 * 2**20, staging_bytes=64 * 2**20, dead_letter_bytes=32 * 2**20)
"""Enough for any test; the broker reserves what is promised."""

MEMORY = Path("/dev/shm")
MEMORY_WANTED_BYTES = 4 * 2**30


def pytest_collectstart() -> None:
    """What is imported stays; looking through it for garbage took as long as collecting itself."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on garbage is looked for, but no more in what was imported."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Logs as plain lines; the library's default draws every traceback, which takes its time."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        cache_logger_on_first_use=False,
    )


@pytest.fixture(scope="session", autouse=True)
def trust_is_read_once() -> Iterator[None]:
    """The system's certificates, which otherwise every client of HTTP reads: 25 milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", cache(httpcore2.default_ssl_context))
        yield


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNats]:
    """A broker for the whole session, shared; a test that kills one starts its own."""
    server = EmbeddedNats(tmp_path_factory.mktemp("nats") / "data")
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A database server for the whole session; make a database of your own from a template."""
    # Cloning a template is all disk: where memory has room, that is several times faster.
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_WANTED_BYTES
    with tempfile.TemporaryDirectory(dir=MEMORY if roomy else None) as directory:
        yield from _postgres(Path(directory) / "data")


def _postgres(data: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(
        data,
        settings={"fsync": "off", "max_connections": "300"},
    )
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
def topology() -> Topology:
    """Names of this test's own streams. Override it with fewer facts and steps to be faster."""
    return Topology(namespace=f"t{uuid4().hex[:10]}")


@pytest.fixture
async def nc(nats_server: EmbeddedNats) -> AsyncIterator[Client]:
    """A plain connection to the broker."""
    client = await nats.connect(nats_server.url, max_reconnect_attempts=-1)
    yield client
    await client.close()


@pytest.fixture
def js(nc: Client) -> JetStreamContext:
    """JetStream over that connection."""
    return nc.jetstream()


@pytest.fixture
async def provisioned(js: JetStreamContext, topology: Topology) -> AsyncIterator[Topology]:
    """Streams, consumers and buckets of this test, gone afterwards."""
    async for _ in provision(js, topology, SMALL):
        pass
    yield topology
    await forget(js, topology)


async def forget(js: JetStreamContext, topology: Topology) -> None:
    """Delete every stream of this namespace, so that a session's reservations do not add up."""
    prefixes = (f"{topology.namespace.upper()}_", f"BLOB_{topology.namespace}-")
    for stream in await js.streams_info():
        name = stream.config.name or ""
        if name.startswith(prefixes):
            await js.delete_stream(name)
