"""A whole stack over real servers and fake services: starts, crashes, refusals."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.blueprint import Blueprint
from deploy.local.errors import CannotRun
from deploy.local.leftovers import find_leftovers
from deploy.local.lock import AlreadyRunning
from deploy.local.output import Tee
from deploy.local.paths import DataDirectory, NotOurs
from deploy.local.replica import ServiceFailed
from deploy.local.stack import Stack
from deploy.local.steps import StepFailed
from tests.eventually import eventually
from tests.local.conftest import MakeData
from tests.local.fake_atelier import fake, fake_blueprint

USER = {"PATH": os.environ["PATH"]}

# Nobody asks these; to start ours takes longer than all the rest.
THEIRS = {"NATS_URL": "nats://10.0.0.1:4222", "DATABASE_URL": "postgresql://u@10.0.0.1/db"}

MakeStack = Callable[..., Stack]


@pytest.fixture
async def make_stack(make_data: MakeData) -> AsyncIterator[MakeStack]:
    """Give a function that makes stacks; they are stopped at the end."""
    made: list[Stack] = []

    def make(root: Path, blueprint: Blueprint | None = None, **user: str) -> Stack:
        data = DataDirectory(root)
        if not root.exists():
            data.create()
            make_data(data.postgres)
        stack = Stack(
            data,
            user={**USER, **user},
            scale={},
            sink=Tee(),
            report=lambda _: None,
            blueprint=blueprint or fake_blueprint(),
        )
        made.append(stack)
        return stack

    yield make
    for stack in made:
        await stack.stop()


def read_endpoint(root: Path) -> dict[str, Any]:
    endpoint: dict[str, Any] = json.loads((root / "endpoint.json").read_text())
    return endpoint


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_ready_stack_says_where_it_is_in_a_private_file(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    root = tmp_path / "Größe und Raum"
    endpoint = await make_stack(root).start()
    assert mode(root / "endpoint.json") == mode(root / "secrets.json") == 0o600
    assert read_endpoint(root)["url"] == endpoint.url
    parts = {"supervisor", "postgres", "nats", "ledger", "generator", "gateway"}
    assert set(read_endpoint(root)["pids"]) == parts


async def test_a_stopped_stack_leaves_data_only(tmp_path: Path, make_stack: MakeStack) -> None:
    stack = make_stack(tmp_path / "data")
    pids = (await stack.start()).pids
    await stack.stop()
    assert not (tmp_path / "data" / "endpoint.json").exists()
    assert not find_leftovers(tmp_path / "data" / "running.json").processes
    for name in ("gateway", "nats", "postgres"):
        with pytest.raises(ProcessLookupError):
            os.kill(pids[name], 0)


async def test_the_api_key_survives_a_restart(tmp_path: Path, make_stack: MakeStack) -> None:
    first = make_stack(tmp_path / "data")
    key = (await first.start()).api_key
    await first.stop()
    assert (await make_stack(tmp_path / "data").start()).api_key == key


async def test_the_same_directory_twice_is_refused_and_the_first_goes_on(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    await make_stack(tmp_path / "data", **THEIRS).start()
    second = make_stack(tmp_path / "data", **THEIRS)
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        await second.start()
    await second.stop()
    assert read_endpoint(tmp_path / "data")["pids"]


async def test_two_directories_run_at_once_with_the_usual_ports_taken(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    with occupied(4222), occupied(5432), occupied(8080):
        one, two = make_stack(tmp_path / "one"), make_stack(tmp_path / "two")
        endpoints = await asyncio.gather(one.start(), two.start())
    assert len({endpoint.url for endpoint in endpoints} | {"http://127.0.0.1:8080"}) == 3


@pytest.mark.parametrize("name", ["nats", "postgres", "generator"])
async def test_a_killed_part_comes_back_and_its_new_id_is_published(
    tmp_path: Path, make_stack: MakeStack, name: str
) -> None:
    endpoint = await make_stack(tmp_path / "data").start()
    os.kill(endpoint.pids[name], signal.SIGKILL)

    def has_a_new_id() -> bool:
        pids = read_endpoint(tmp_path / "data")["pids"]
        return name in pids and pids[name] != endpoint.pids[name]

    await eventually(has_a_new_id)
    assert read_endpoint(tmp_path / "data")["nats_url"] == endpoint.nats_url


async def test_servers_of_the_user_are_used_instead_of_ours(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    endpoint = await make_stack(tmp_path / "data", **THEIRS).start()
    assert (endpoint.nats_url, endpoint.database_url) == tuple(THEIRS.values())
    assert not {"nats", "postgres"} & set(endpoint.pids)


async def test_a_blank_address_means_the_bundled_server(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    endpoint = await make_stack(tmp_path / "data", NATS_URL="", DATABASE_URL=" ").start()
    assert {"nats", "postgres"} <= set(endpoint.pids)


async def test_a_key_of_another_database_is_not_reused(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    external = {"NATS_URL": "nats://10.0.0.1:4222"}
    keys = []
    for host in ("10.0.0.1", "10.0.0.2"):
        stack = make_stack(
            tmp_path / "data", **external, DATABASE_URL=f"postgresql://u:secret@{host}/db"
        )
        keys.append((await stack.start()).api_key)
        await stack.stop()
    assert keys[0] != keys[1]
    assert "secret" not in (tmp_path / "data" / "secrets.json").read_text()


async def test_a_refused_setting_stops_everything_that_was_begun(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    wrong = fake("hooks", "--say", "HOOKS: wrong", "--early-exit", "2")
    stack = make_stack(tmp_path / "data", fake_blueprint(hooks=wrong))
    with pytest.raises(ServiceFailed, match="HOOKS: wrong"):
        await stack.start()
    await stack.stop()
    assert not find_leftovers(tmp_path / "data" / "running.json").processes


async def test_a_failed_migration_ends_the_start_with_its_words(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    usual = fake_blueprint()
    broken = (sys.executable, "-c", "import sys; sys.exit('no such column')")
    blueprint = Blueprint(
        usual.services, broken, usual.provision, usual.issue_key, usual.supervisor
    )
    with pytest.raises(StepFailed, match=r"migrate failed[\s\S]*no such column"):
        await make_stack(tmp_path / "data", blueprint).start()


async def test_a_directory_with_other_files_is_left_alone(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NotOurs, match="choose another with --data"):
        await make_stack(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_scaling_what_does_not_exist_names_what_does(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"no service 'painter'.*generator"):
        Stack(
            DataDirectory(tmp_path),
            user=USER,
            scale={"painter": 2},
            sink=Tee(),
            report=lambda _: None,
            blueprint=fake_blueprint(),
        )


START = "import sys; from tests.local.fake_atelier import main, fake_blueprint; "
HANGING = START + (
    "from tests.local.fake_atelier import fake; "
    "main(fake_blueprint(hooks=fake('hooks', '--never-ready')))"
)


async def test_a_supervisor_killed_in_mid_start_leaves_nothing_in_the_way(
    tmp_path: Path, make_stack: MakeStack
) -> None:
    root = tmp_path / "data"
    supervisor = start_hanging(root)
    await eventually(lambda: "hooks" in find_leftovers(root / "running.json").pids())
    left = find_leftovers(root / "running.json")
    supervisor.kill()
    supervisor.wait()
    endpoint = await make_stack(root).start()
    assert {"postgres", "nats", "hooks"} <= set(left.processes)
    assert not any(process.is_alive() for process in left.processes.values())
    assert left.runtime_dir is not None
    assert not left.runtime_dir.exists()
    assert endpoint.pids["postgres"] != left.processes["postgres"].pid


def start_hanging(root: Path) -> subprocess.Popen[bytes]:
    """Start a stack in another process; one of its services never gets ready."""
    return subprocess.Popen(
        [sys.executable, "-c", HANGING, "up", "--data", str(root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def occupied(port: int) -> socket.socket:
    """Listen on a port, or let whoever has it keep it."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return socket.socket()
