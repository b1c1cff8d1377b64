"""The commands as a person types them, over fake services."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.lock import DirectoryLock
from deploy.local.paths import REPOSITORY
from deploy.local.processes import ProcessIdentity

TIMEOUT_S = 60


def atelier(*arguments: str, called_from: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a command and give its outcome."""
    return subprocess.run(
        [sys.executable, "-m", "tests.local.fake_atelier", *arguments],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "ATELIER_CALLED_FROM": str(called_from),
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Give the path of a data directory; what runs over it is stopped at the end."""
    yield tmp_path / "data"
    atelier("down", "--data", str(tmp_path / "data"))


def start(data: Path, *options: str) -> dict[str, Any]:
    done = atelier("up", "--detach", "--json", "--data", str(data), *options)
    assert done.returncode == 0, done.stderr
    endpoint: dict[str, Any] = json.loads(done.stdout)
    return endpoint


def test_up_detached_returns_when_ready_and_down_stops_it(data: Path) -> None:
    endpoint = start(data, "--scale", "generator=2")
    assert {"generator.1", "generator.2"} <= set(endpoint["pids"])
    supervisor = ProcessIdentity.of(endpoint["pids"]["supervisor"])
    assert supervisor is not None
    stopped = atelier("down", "--data", str(data))
    assert stopped.returncode == 0
    assert "stopped" in stopped.stdout
    assert not supervisor.is_alive()


def test_the_directory_is_relative_to_where_the_user_is(tmp_path: Path) -> None:
    done = atelier("up", "--detach", "--json", "--data", "mine", called_from=tmp_path)
    assert json.loads(done.stdout)["data"] == str(tmp_path / "mine")
    atelier("down", "--data", "mine", called_from=tmp_path)


def test_a_second_start_over_the_same_directory_is_refused(data: Path) -> None:
    pid = start(data)["pids"]["supervisor"]
    second = atelier("up", "--detach", "--data", str(data))
    assert second.returncode == 1
    assert f"process {pid}" in second.stderr
    assert "./dev down" in second.stderr


def test_a_killed_supervisor_is_no_obstacle(data: Path) -> None:
    os.kill(start(data)["pids"]["supervisor"], signal.SIGKILL)
    assert start(data)["url"]


def test_down_says_when_nothing_runs(tmp_path: Path) -> None:
    done = atelier("down", "--data", str(tmp_path))
    assert done.returncode == 0
    assert "nothing runs" in done.stdout


def test_a_failed_background_start_shows_why(data: Path) -> None:
    script = (
        "from tests.local.fake_atelier import *; from dataclasses import replace; import sys;"
        "wrong = fake('hooks', '--say', 'HOOKS: wrong', '--early-exit', '2');"
        "again = (sys.executable, '-c', sys.orig_argv[2]);"
        "main(replace(fake_blueprint(hooks=wrong), supervisor=again))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "up", "--detach", "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1
    assert "HOOKS: wrong" in done.stderr
    assert not DirectoryLock(data / "lock").is_held()


def test_up_in_the_foreground_prefixes_lines_and_stops_at_ctrl_c(data: Path) -> None:
    command = [sys.executable, "-m", "tests.local.fake_atelier", "up", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("processes"):
                process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
    assert "generator   | stopping\n" in lines


def test_reset_refuses_while_running_and_deletes_afterwards(data: Path) -> None:
    start(data)
    refused = atelier("reset", "--yes", "--data", str(data))
    assert refused.returncode == 1
    assert "./dev down" in refused.stderr
    assert data.exists()
    atelier("down", "--data", str(data))
    assert atelier("reset", "--yes", "--data", str(data)).returncode == 0
    assert not data.exists()


def test_reset_leaves_a_directory_that_is_not_ours_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert atelier("reset", "--yes", "--data", str(tmp_path)).returncode == 1
    assert (tmp_path / "thesis.txt").exists()


def test_reset_asks_first(data: Path) -> None:
    start(data)
    atelier("down", "--data", str(data))
    assert atelier("reset", "--data", str(data)).returncode == 1
    assert data.exists()


@pytest.mark.parametrize("pair", ["generator", "generator=many", "generator=0", "painter=2"])
def test_a_scale_that_cannot_be_is_refused_by_name(data: Path, pair: str) -> None:
    done = atelier("up", "--scale", pair, "--data", str(data))
    assert done.returncode == 1
    assert pair.partition("=")[0] in done.stderr
    assert not data.exists()
