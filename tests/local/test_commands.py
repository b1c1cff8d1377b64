"""The commands as a person types them, over fake services.

Most are called in this process; what they start in the background are processes anyway.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local.__main__ import main
from deploy.local.blueprint import Blueprint
from deploy.local.lock import DirectoryLock
from deploy.local.paths import REPOSITORY, DataDirectory
from deploy.local.processes import ProcessIdentity
from tests.cli.in_process import Said, call_here
from tests.eventually import eventually
from tests.local.fake_atelier import fake_blueprint

TIMEOUT_S = 60
# Servers of the user's: ours take longer to start than all the rest, and nobody asks these.
THEIRS = {"NATS_URL": "nats://10.0.0.1:4222", "DATABASE_URL": "postgresql://u@10.0.0.1/db"}


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def atelier(
    *arguments: str,
    called_from: Path = REPOSITORY,
    blueprint: Blueprint | None = None,
    servers: Mapping[str, str] = THEIRS,
) -> Said:
    """Carry out a command and give its outcome."""
    return call_here(
        lambda: main(blueprint or fake_blueprint()),
        *("./dev", *arguments),
        **environment(ATELIER_CALLED_FROM=str(called_from), **servers),
    )


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Give the path of a data directory; what runs over it is stopped at the end."""
    yield tmp_path / "data"
    atelier("down", "--data", str(tmp_path / "data"))


def start(data: Path, *options: str, servers: Mapping[str, str] = THEIRS) -> dict[str, Any]:
    wishes = ("--detach", "--json", "--data", str(data))
    done = atelier("up", *wishes, *options, servers=servers)
    assert done.code == 0, done.err
    endpoint: dict[str, Any] = done.json
    return endpoint


def test_up_detached_returns_when_ready_and_down_stops_it(data: Path) -> None:
    endpoint = start(data, "--scale", "generator=2", servers={})
    assert {"generator.1", "generator.2", "nats", "postgres"} <= set(endpoint["pids"])
    supervisor = ProcessIdentity.of(endpoint["pids"]["supervisor"])
    assert supervisor is not None
    stopped = atelier("down", "--data", str(data))
    assert stopped.code == 0
    assert "stopped" in stopped.out
    assert not supervisor.is_alive()


def test_the_directory_is_relative_to_where_the_user_is(tmp_path: Path) -> None:
    wishes = ("--detach", "--json", "--data", "mine")
    done = atelier("up", *wishes, called_from=tmp_path)
    assert done.json["data"] == str(tmp_path / "mine")
    stopped = atelier("down", "--data", "mine", called_from=tmp_path)
    assert "supervisor" in stopped.out


def test_what_runs_is_neither_started_again_nor_deleted(data: Path) -> None:
    pid = start(data)["pids"]["supervisor"]
    for refused in (
        atelier("up", "--detach", "--data", str(data)),
        atelier("reset", "--yes", "--data", str(data)),
    ):
        assert refused.code == 1
        assert f"process {pid}" in refused.err
        assert "./dev down" in refused.err
    assert data.exists()
    atelier("down", "--data", str(data))
    assert atelier("reset", "--yes", "--data", str(data)).code == 0
    assert not data.exists()


async def test_a_killed_supervisor_is_no_obstacle(data: Path) -> None:
    os.kill(start(data)["pids"]["supervisor"], signal.SIGKILL)
    await eventually(lambda: not DirectoryLock(data / "lock").is_held())
    assert start(data)["url"]


def test_down_says_when_nothing_runs(tmp_path: Path) -> None:
    done = atelier("down", "--data", str(tmp_path))
    assert done.code == 0
    assert "nothing runs" in done.out


def test_a_failed_background_start_shows_why(data: Path) -> None:
    script = (
        "from tests.local.fake_atelier import *\n"
        "wrong = fake('hooks', '--say', 'HOOKS: wrong', '--early-exit', '2')\n"
        "main(fake_blueprint(hooks=wrong))"
    )
    again = replace(fake_blueprint(), supervisor=(sys.executable, "-c", script))
    done = atelier("up", "--detach", "--data", str(data), blueprint=again)
    assert done.code == 1
    assert "HOOKS: wrong" in done.err
    assert not DirectoryLock(data / "lock").is_held()


def test_up_in_the_foreground_prefixes_lines_and_stops_at_ctrl_c(data: Path) -> None:
    command = [sys.executable, "-m", "tests.local.fake_atelier", "up", "--data", str(data)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(**THEIRS)
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("processes"):
                process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
    assert "generator   | stopping\n" in lines


def test_reset_leaves_a_directory_that_is_not_ours_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert atelier("reset", "--yes", "--data", str(tmp_path)).code == 1
    assert (tmp_path / "thesis.txt").exists()


def test_reset_asks_first(data: Path) -> None:
    DataDirectory(data).create()
    assert atelier("reset", "--data", str(data)).code == 1
    assert data.exists()


@pytest.mark.parametrize("pair", ["generator", "generator=many", "generator=0", "painter=2"])
def test_a_scale_that_cannot_be_is_refused_by_name(data: Path, pair: str) -> None:
    done = atelier("up", "--scale", pair, "--data", str(data))
    assert done.code == 1
    assert pair.partition("=")[0] in done.err
    assert not data.exists()
