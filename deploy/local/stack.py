"""A whole Atelier over one data directory: servers, schema, streams, services."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.blueprint import ATELIER, DOOR, Blueprint
from deploy.local.endpoint import Endpoint
from deploy.local.environment import child_environment
from deploy.local.errors import CannotRun
from deploy.local.leftovers import RunningRecord, stop_leftovers
from deploy.local.lock import DirectoryLock
from deploy.local.nats import EmbeddedNats
from deploy.local.output import LineSink, LogFiles, Tee
from deploy.local.paths import REPOSITORY, DataDirectory, Secrets
from deploy.local.ports import GatewayPorts
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.replica import Service
from deploy.local.runtime_dir import make_runtime_dir
from deploy.local.steps import run_step, together
from deploy.local.supervisor import Supervisor

EMBEDDED = "embedded"
OBJECTS_READERS = (DOOR, "storage")


class Stack:
    """From `start()` to `stop()`; holds the data directory's lock in between.

    `user` is the environment the user gave us, `sink` takes the services' lines besides the log
    files, `report` takes one short line for each step of the start.
    """

    def __init__(
        self,
        data: DataDirectory,
        *,
        user: Mapping[str, str],
        scale: Mapping[str, int],
        sink: LineSink,
        report: Callable[[str], None],
        blueprint: Blueprint = ATELIER,
    ) -> None:
        _check_scale(scale, blueprint)
        self.data = data
        self._user = user
        self._scale = scale
        self._report = report
        self._blueprint = blueprint
        self._lock = DirectoryLock(data.lock_file)
        self._ports = GatewayPorts(user)
        self._extra_sink = sink
        self._files = LogFiles(data.logs)
        self._sink = Tee(self._files, sink)
        self._record = RunningRecord(data.running_file)
        self._runtime_dir: Path | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._nats: EmbeddedNats | None = None
        self._supervisor: Supervisor | None = None
        self._endpoint: Endpoint | None = None
        self._api_key = ""

    async def start(self) -> Endpoint:
        """Start everything and return when every service is ready; raises CannotRun."""
        self.data.create()
        self._lock.acquire()
        left = await stop_leftovers(self.data.running_file)
        if left:
            self._report(f"stopped what a crashed start had left: {', '.join(left)}")
        runtime_dir = make_runtime_dir()
        self._runtime_dir = self._record.runtime_dir = runtime_dir
        self._record.save()
        self._secrets = Secrets.load(self.data.secrets_file)
        await self._start_servers()
        await self._prepare()
        await self._start_services(runtime_dir)
        return self._write_endpoint()

    async def ended_by_itself(self) -> None:
        """Wait until something cannot be kept running, and raise why."""
        if self._supervisor is None:
            raise CannotRun("nothing was started")
        await self._supervisor.ended_by_itself()

    async def stop(self) -> None:
        """Stop the door, the other services, the broker and the database; free the directory."""
        if not self._lock.is_ours:
            return  # what runs there is somebody else's
        self._endpoint = None
        self.data.endpoint_file.unlink(missing_ok=True)
        if self._supervisor is not None:
            await self._supervisor.stop()
        if self._nats is not None:
            await self._nats.stop()
        if self._postgres is not None:
            await self._postgres.stop()
        if self._runtime_dir is not None:
            shutil.rmtree(self._runtime_dir, ignore_errors=True)
            self._record.clear()
        self._files.close()
        self._lock.release()

    def hurry(self) -> None:
        """Kill the services instead of waiting for them; a running `stop()` then goes on."""
        if self._supervisor is not None:
            self._supervisor.kill()

    async def _start_servers(self) -> None:
        self._report("starting Postgres and NATS")
        starts = []
        if "DATABASE_URL" not in self._user:
            self._postgres = EmbeddedPostgres(
                self.data.postgres, self._runtime_dir, log_file=self.data.logs / "postgres.log"
            )
            starts.append(self._postgres.start())
        if "NATS_URL" not in self._user:
            self._nats = EmbeddedNats(self.data.nats, log_file=self.data.logs / "nats.log")
            starts.append(self._nats.start())
        await together(*starts)

    async def _prepare(self) -> None:
        self._report("migrating the database, provisioning the broker")
        await together(
            run_step("migrate", self._blueprint.migrate, self._environment("ledger"), self._sink),
            run_step("provision", self._blueprint.provision, self._environment("cli"), self._sink),
        )
        self._api_key = await self._key()

    async def _key(self) -> str:
        """Give the key made at the first start of this database, or make it.

        It is kept because the ledger stores only its hash and cannot show it again.
        """
        database = self._user.get("DATABASE_URL", EMBEDDED)
        if database != EMBEDDED:
            database = hashlib.sha256(database.encode()).hexdigest()[:16]
        if database not in self._secrets.api_keys:
            self._report("issuing an API key")
            printed = await run_step(
                "issue-key", self._blueprint.issue_key, self._environment("ledger"), self._sink
            )
            self._secrets.api_keys[database] = printed.strip().splitlines()[-1]
            self._secrets.save()
        return self._secrets.api_keys[database]

    async def _start_services(self, runtime_dir: Path) -> None:
        services = [self._service(name) for name in self._blueprint.services]
        count = sum(service.replicas for service in services)
        self._report(f"starting {count} services")
        self._supervisor = Supervisor(
            services,
            runtime_dir=runtime_dir,
            sink=self._sink,
            record=self._record,
            on_change=self._on_change,
        )
        if self._postgres is not None:
            self._supervisor.guard("postgres", self._postgres)
        if self._nats is not None:
            self._supervisor.guard("nats", self._nats)
        await self._supervisor.start()
        self._ports.keep()

    def _service(self, name: str) -> Service:
        return Service(
            name,
            self._blueprint.services[name],
            lambda replica: self._environment(name, replica),
            replicas=self._scale.get(name, 1),
            is_door=name == DOOR,
            forgives=self._ports.lost_race if name == DOOR else lambda _: False,
        )

    def _environment(self, service: str, replica: int = 1) -> dict[str, str]:
        ours = {
            "NATS_URL": self._nats.url if self._nats else self._user["NATS_URL"],
            "DATABASE_URL": self._database_url(),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
        }
        if service in OBJECTS_READERS:
            ours["OBJECTS_DIR"] = self._user.get("OBJECTS_DIR", str(self.data.objects))
            ours["LINK_SIGNING_KEY"] = self._user.get(
                "LINK_SIGNING_KEY", self._secrets.link_signing_key
            )
        if service == DOOR:
            port = self._ports.choose(replica)
            ours["GATEWAY_HOST"], ours["GATEWAY_PORT"] = self._ports.host, str(port)
            ours["PUBLIC_BASE_URL"] = self._user.get("PUBLIC_BASE_URL", self._ports.url(replica))
        return child_environment(service, self._user, ours)

    def _database_url(self) -> str:
        return self._postgres.dsn() if self._postgres else self._user["DATABASE_URL"]

    def _write_endpoint(self) -> Endpoint:
        self._endpoint = Endpoint(
            url=self._ports.url(),
            api_key=self._api_key,
            nats_url=self._nats.url if self._nats else self._user["NATS_URL"],
            database_url=self._database_url(),
            data=str(self.data.root),
            pids=self._record.pids(),
        )
        self._endpoint.write(self.data.endpoint_file)
        return self._endpoint

    def _on_change(self) -> None:
        if self._endpoint is not None:
            self._write_endpoint()


def _check_scale(scale: Mapping[str, int], blueprint: Blueprint) -> None:
    for name, replicas in scale.items():
        if name not in blueprint.services:
            known = ", ".join(blueprint.services)
            raise CannotRun(f"--scale: there is no service {name!r}; the services are {known}")
        if replicas < 1:
            raise CannotRun(f"--scale {name}={replicas}: at least 1")
