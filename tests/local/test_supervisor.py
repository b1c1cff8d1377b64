"""Services that crash, hang, refuse and stop, and what the supervisor makes of it."""

import asyncio
import os
import signal
import socket
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.errors import CannotRun
from deploy.local.leftovers import RunningRecord
from deploy.local.paths import REPOSITORY
from deploy.local.replica import RESTART_DELAYS_S, Service, ServiceFailed
from deploy.local.runtime_dir import make_runtime_dir
from deploy.local.supervisor import Supervisor
from tests.eventually import eventually
from tests.local.fake_atelier import fake

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, name: str, line: str) -> None:
        self.lines.append(f"{name} | {line}")

    def count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


class Running:
    """A supervisor under test, with what it says and records."""

    def __init__(self, supervisor: Supervisor, heard: Heard, record: RunningRecord) -> None:
        self.supervisor = supervisor
        self.heard = heard
        self.record = record

    def pid(self, name: str) -> int | None:
        return self.record.pids().get(name)


Supervise = Callable[..., Running]


@pytest.fixture
async def supervise(tmp_path: Path) -> AsyncIterator[Supervise]:
    """Give a function that makes supervisors; they are stopped at the end."""
    made: list[Supervisor] = []
    runtime_dir = make_runtime_dir()

    def make(*services: Service) -> Running:
        heard, record = Heard(), RunningRecord(tmp_path / "running.json")
        supervisor = Supervisor(services, runtime_dir=runtime_dir, sink=heard, record=record)
        made.append(supervisor)
        return Running(supervisor, heard, record)

    yield make
    for supervisor in made:
        await supervisor.stop(grace_s=5)
    runtime_dir.rmdir()


def service(name: str, *options: str, replicas: int = 1, is_door: bool = False) -> Service:
    command = fake(name, *options)
    return Service(name, command, lambda: ENVIRONMENT, replicas=replicas, is_door=is_door)


async def test_start_returns_when_every_replica_is_ready(supervise: Supervise) -> None:
    running = supervise(service("generator", replicas=3), service("hooks"))
    await running.supervisor.start()
    assert set(running.record.pids()) == {"generator.1", "generator.2", "generator.3", "hooks"}


async def test_a_killed_service_is_back_within_a_second(supervise: Supervise) -> None:
    assert RESTART_DELAYS_S[0] <= 0.5
    running = supervise(service("hooks"))
    await running.supervisor.start()
    first = running.pid("hooks")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: running.pid("hooks") not in (None, first), timeout_s=2)
    assert running.heard.count("by signal SIGKILL; starting again") == 1


async def test_a_service_that_crashes_again_and_again_is_started_less_and_less_often(
    supervise: Supervise,
) -> None:
    running = supervise(service("hooks", "--crash-after-s", "0"))
    await running.supervisor.start()
    await eventually(lambda: running.heard.count("starting again in 1 s"), timeout_s=10)
    delays = [line.split(" in ")[1] for line in running.heard.lines if "starting again" in line]
    assert delays == ["0.1 s", "0.5 s", "1 s"]


async def test_a_child_of_the_service_that_outlives_it_does_not_delay_the_restart(
    supervise: Supervise,
) -> None:
    running = supervise(service("hooks", "--grandchild"))
    await running.supervisor.start()
    first = running.pid("hooks")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: running.pid("hooks") not in (None, first), timeout_s=4)


async def test_a_wrong_configuration_ends_the_start_with_the_services_own_words(
    supervise: Supervise,
) -> None:
    wrong = service("hooks", "--say", "NATS_URL: not set", "--early-exit", "2")
    running = supervise(wrong, service("generator"))
    with pytest.raises(ServiceFailed, match=r"hooks .*configuration:\n.*NATS_URL: not set"):
        await running.supervisor.start()


async def test_a_service_that_never_lives_to_be_ready_ends_the_start(supervise: Supervise) -> None:
    running = supervise(service("hooks", "--say", "no disk", "--early-exit", "1"))
    with pytest.raises(ServiceFailed, match=r"ended 3 times before it was ready:[\s\S]*no disk"):
        await running.supervisor.start()


async def test_a_service_that_hangs_before_it_is_ready_ends_the_start_by_name(
    supervise: Supervise,
) -> None:
    running = supervise(service("hooks"), service("safety", "--never-ready"))
    with pytest.raises(ServiceFailed, match=r"safety was not ready within 3 s"):
        await running.supervisor.start(timeout_s=3)


async def test_the_door_is_closed_before_the_others_stop(supervise: Supervise) -> None:
    running = supervise(service("hooks"), service("gateway", is_door=True))
    await running.supervisor.start()
    await running.supervisor.stop()
    goodbyes = [line for line in running.heard.lines if "stopping" in line]
    assert goodbyes == ["gateway | stopping", "hooks | stopping"]


async def test_a_service_that_ignores_the_request_to_stop_is_killed(supervise: Supervise) -> None:
    running = supervise(service("hooks", "--ignore-term"))
    await running.supervisor.start()
    await running.supervisor.stop(grace_s=0.2)
    assert running.heard.count("did not stop within 0.2 s; killed") == 1
    assert running.record.pids() == {}


async def test_replicas_share_a_listening_socket_that_outlives_them(supervise: Supervise) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        environment = {**ENVIRONMENT, "GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        shared = Service(
            "gateway",
            fake("gateway", "--http"),
            lambda: environment,
            replicas=2,
            listener=listener.fileno(),
        )
        running = supervise(shared)
        await running.supervisor.start()
        await eventually(lambda: len(served_by(port)) == 2)
        killed = set(running.record.pids().values())
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        # One that is about to die may still take a connection with it.
        await eventually(lambda: killed.isdisjoint(running.record.pids().values()))
        # Nobody is there to answer, and still nobody is refused.
        assert len(await asyncio.to_thread(served_by, port, 1)) == 1


def served_by(port: int, requests: int = 20) -> set[bytes]:
    """Ask on new connections, and give the process ids of those that answered."""
    address = f"http://127.0.0.1:{port}"
    answers = (urllib.request.urlopen(address, timeout=10) for _ in range(requests))
    return {answer.read() for answer in answers}


class MortalServer:
    """A server that dies when told to, and counts what is done with it."""

    def __init__(self) -> None:
        self.running = True
        self.pid = os.getpid()
        self.restored = 0
        self.failing = 0

    async def start(self) -> None:
        self.running = True

    async def restore(self) -> None:
        if self.failing:
            self.failing -= 1
            raise CannotRun("not yet")
        self.restored += 1


async def test_what_a_revived_server_may_have_lost_is_restored_until_that_succeeds(
    supervise: Supervise,
) -> None:
    running, server = supervise(), MortalServer()
    running.supervisor.guard("nats", server, restore=server.restore)
    server.failing = 1
    server.running = False
    await eventually(lambda: server.restored == 1)
    assert running.heard.count("not yet") == 1


async def test_restoring_is_broken_off_when_the_server_dies_again(supervise: Supervise) -> None:
    running, server = supervise(), MortalServer()
    begun: list[asyncio.Event] = []

    async def restore() -> None:
        begun.append(asyncio.Event())
        if len(begun) == 1:
            await begun[0].wait()
        await server.restore()

    running.supervisor.guard("nats", server, restore=restore)
    server.running = False
    await eventually(lambda: begun)
    server.running = False
    await eventually(lambda: server.restored == 1)
