"""Where a service is measured alone: a broker of its own, and this process as its neighbours."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nats.aio.client import Client
from pydantic import SecretStr

from benchmarks._processes import ROOT, running
from deploy.local.environment import MALLOC
from deploy.local.nats import EmbeddedNats
from deploy.local.readiness import ReadinessSocket
from shared.blobs import BlobStore
from shared.events import Fact
from shared.factlog import FactLog
from shared.provision import Limits, provision
from shared.service import Service, open_service
from shared.settings import ServiceSettings

_READY_WITHIN_S = 60.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


class NotReady(Exception):
    """The service did not start; the message ends with its own words."""


@dataclass(frozen=True, slots=True)
class Place:
    """A broker that syncs every write, and what a neighbour has in hand on it."""

    directory: Path
    broker: EmbeddedNats
    neighbours: Service

    @property
    def nc(self) -> Client:
        """The neighbours' connection."""
        return self.neighbours.nc

    @property
    def facts(self) -> FactLog:
        """Where facts are written."""
        return self.neighbours.facts

    @property
    def staging(self) -> BlobStore:
        """Where images wait."""
        return self.neighbours.staging

    def subjects(self, fact: type[Fact]) -> str:
        """Where facts of this kind are heard."""
        return self.neighbours.topology.subjects(fact)

    @property
    def log_file(self) -> Path:
        """What the service says."""
        return self.directory / "service.log"

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """That of a process here, as `./dev` gives it, with these settings."""
        return {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "PYTHONPATH": str(ROOT),
            **MALLOC,
            "NO_PROXY": "127.0.0.1",
            "NATS_URL": self.broker.url,
            **settings,
        }

    @asynccontextmanager
    async def process(self, service: str, settings: Mapping[str, str]) -> AsyncIterator[int]:
        """Run a service, ready for work, until the block ends; gives its process id."""
        await self.neighbours.broker.start()
        await self.neighbours.start()
        readiness = ReadinessSocket(self.directory / "ready")
        environment = self.environment(settings) | {"NOTIFY_SOCKET": str(readiness.path)}
        command = (sys.executable, "-m", f"services.{service}")
        with running(command, environment=environment, log_file=self.log_file) as pid:
            try:
                await asyncio.wait_for(readiness.ready.wait(), _READY_WITHIN_S)
            except TimeoutError:
                raise NotReady(f"{service}: {self.log_file.read_text()}") from None
            finally:
                readiness.close()
            yield pid
        await self.neighbours.stop()


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    """A new one, gone at the end."""
    with TemporaryDirectory(prefix="atelier-bench-") as name:
        directory = Path(name)
        async with EmbeddedNats(directory / "nats") as broker:
            settings = ServiceSettings(nats_url=SecretStr(broker.url))
            async with open_service("neighbours", settings) as neighbours:
                limits = Limits.within(broker.store_limit_bytes)
                async for _ in provision(neighbours.js, neighbours.topology, limits):
                    pass
                yield Place(directory, broker, neighbours)
