"""A whole Atelier over one data directory: servers, schema, streams, services."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from deploy.local.blueprint import ATELIER, DOOR, Blueprint
from deploy.local.endpoint import Endpoint
from deploy.local.errors import CannotRun
from deploy.local.leftovers import RunningRecord, stop_leftovers
from deploy.local.lock import DirectoryLock
from deploy.local.nats import EmbeddedNats
from deploy.local.nats_users import NatsUsers
from deploy.local.output import LineSink, LogFiles, Tee
from deploy.local.paths import DataDirectory, Secrets
from deploy.local.ports import DoorSocket
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.replica import Service
from deploy.local.runtime_dir import make_runtime_dir
from deploy.local.steps import run_step, together
from deploy.local.supervisor import Supervisor
from deploy.local.wiring import Wiring, without_blanks
from shared.permissions import OPERATOR, OUTSIDE
from shared.topology import Topology

EMBEDDED = "embedded"


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
        self._user = without_blanks(user)
        self._scale = scale
        self._report = report
        self._blueprint = blueprint
        self._lock = DirectoryLock(data.lock_file)
        self._door = DoorSocket(user)
        self._files = LogFiles(data.logs)
        self._sink = Tee(self._files, sink)
        self._record = RunningRecord(data.running_file)
        self._postgres: EmbeddedPostgres | None = None
        self._nats: EmbeddedNats | None = None
        self._nats_users: NatsUsers | None = None
        self._supervisor: Supervisor | None = None
        self._endpoint: Endpoint | None = None

    async def start(self) -> Endpoint:
        """Start everything and return when every service is ready; raises CannotRun."""
        self.data.create()
        self._lock.acquire()
        left = await stop_leftovers(self.data.running_file)
        if left:
            self._report(f"stopped what a crashed start had left: {', '.join(left)}")
        runtime_dir = self._record.runtime_dir = make_runtime_dir()
        self._record.save()
        secrets = Secrets.load(self.data.secrets_file)
        await self._start_servers(runtime_dir)
        wiring = self._wire(secrets)
        await self._prepare(wiring)
        api_key = await self._key(wiring, secrets)
        await self._start_services(wiring, runtime_dir)
        self._endpoint = Endpoint(
            url=self._door.url,
            api_key=api_key,
            nats_url=wiring.nats_url,
            nats_seed_files=self._seed_files(),
            database_url=wiring.database_url,
            data=str(self.data.root),
            pids={},
        )
        self._on_change()
        return self._endpoint

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
        self._door.close()
        if self._supervisor is not None:
            await self._supervisor.stop()
        if self._nats is not None:
            await self._nats.stop()
        if self._postgres is not None:
            await self._postgres.stop()
        if self._record.runtime_dir is not None:
            shutil.rmtree(self._record.runtime_dir, ignore_errors=True)
        self._record.clear()
        self._files.close()
        self._lock.release()

    def hurry(self) -> None:
        """Kill the services instead of waiting for them; a running `stop()` then goes on."""
        if self._supervisor is not None:
            self._supervisor.kill()

    async def _start_servers(self, runtime_dir: Path) -> None:
        starts = []
        if "DATABASE_URL" not in self._user:
            log_file = self.data.logs / "postgres.log"
            self._postgres = EmbeddedPostgres(self.data.postgres, runtime_dir, log_file=log_file)
            starts.append(self._postgres.start())
        if "NATS_URL" not in self._user:
            self._nats_users = NatsUsers.kept_in(self.data.nats_users, self._names())
            self._nats = EmbeddedNats(
                self.data.nats,
                users=self._nats_users.users,
                log_file=self.data.logs / "nats.log",
            )
            starts.append(self._nats.start())
        if starts:
            self._report("starting Postgres and NATS")
            await together(*starts)

    def _wire(self, secrets: Secrets) -> Wiring:
        return Wiring(
            user=self._user,
            nats_url=self._nats.url if self._nats else self._user["NATS_URL"],
            nats_users=self._nats_users,
            database_url=self._postgres.dsn() if self._postgres else self._user["DATABASE_URL"],
            objects_dir=self.data.objects,
            link_signing_key=secrets.link_signing_key,
            safety_signing_key=secrets.safety_signing_key,
            door=self._door,
        )

    async def _prepare(self, wiring: Wiring) -> None:
        self._report("migrating the database, provisioning the broker")
        ledger = wiring.environment("ledger")
        await together(
            run_step("migrate", self._blueprint.migrate, ledger, self._sink),
            self._provision(wiring),
        )

    async def _provision(self, wiring: Wiring) -> None:
        """Bring the broker to the wanted state, whatever it has lost."""
        provision = self._blueprint.provision
        if self._nats is not None:
            megabytes = self._nats.store_limit_bytes // 2**20
            provision = (*provision, "--max-store-mb", str(megabytes))
        await run_step("provision", provision, wiring.environment(OPERATOR), self._sink)

    async def _key(self, wiring: Wiring, secrets: Secrets) -> str:
        """Give the key made at the first start over this database, or make it.

        It is kept because the ledger stores only its hash and cannot show it again.
        """
        database = EMBEDDED
        if self._postgres is None:
            database = hashlib.sha256(wiring.database_url.encode()).hexdigest()[:16]
        if database not in secrets.api_keys:
            self._report("issuing an API key")
            environment = wiring.environment("ledger")
            printed = await run_step(
                "issue-key", self._blueprint.issue_key, environment, self._sink
            )
            secrets.api_keys[database] = printed.strip().splitlines()[-1]
            secrets.save()
        return secrets.api_keys[database]

    async def _start_services(self, wiring: Wiring, runtime_dir: Path) -> None:
        self._door.open()
        supervisor = self._supervisor = Supervisor(
            [self._service(name, wiring) for name in self._blueprint.services],
            runtime_dir=runtime_dir,
            sink=self._sink,
            record=self._record,
            on_change=self._on_change,
        )
        if self._postgres is not None:
            supervisor.guard("postgres", self._postgres)
        if self._nats is not None:
            supervisor.guard("nats", self._nats, restore=lambda: self._provision(wiring))
        self._report(f"starting {len(supervisor.replicas)} service processes")
        await supervisor.start()

    def _service(self, name: str, wiring: Wiring) -> Service:
        return Service(
            name,
            self._blueprint.services[name],
            lambda: wiring.environment(name),
            replicas=self._scale.get(name, 1),
            is_door=name == DOOR,
            listener=self._door.descriptor if name == DOOR else None,
        )

    def _on_change(self) -> None:
        if self._endpoint is not None:
            self._endpoint = replace(self._endpoint, pids=self._pids())
            self._endpoint.write(self.data.endpoint_file)

    def _names(self) -> Topology:
        """The names that the services will use."""
        return Topology(self._user.get("NATS_NAMESPACE", ""))

    def _seed_files(self) -> dict[str, str]:
        """Where people find the keys of the users that are no services."""
        if self._nats_users is None:
            return {}
        files = self._nats_users.seed_files
        return {name: str(files[name]) for name in (OPERATOR, OUTSIDE)}

    def _pids(self) -> dict[str, int]:
        return {"supervisor": os.getpid(), **self._record.pids()}


def _check_scale(scale: Mapping[str, int], blueprint: Blueprint) -> None:
    for name, replicas in scale.items():
        if name not in blueprint.services:
            known = ", ".join(blueprint.services)
            raise CannotRun(f"--scale: there is no service {name!r}; the services are {known}")
        if replicas < 1:
            raise CannotRun(f"--scale {name}={replicas}: at least 1")
