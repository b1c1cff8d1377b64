"""The switch that kills a process at a chosen place, once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = "from shared.failpoints import reach; reach('a/before'); reach('b/after'); print('alive')"


def run(place: str | None, mark: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if "FAILPOINT" not in name}
    if place is not None:
        environment |= {"ATELIER_FAILPOINT": place, "ATELIER_FAILPOINT_MARK": str(mark)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nobody_dies_unless_a_place_is_chosen(tmp_path: Path) -> None:
    assert run(None, tmp_path / "mark").stdout == "alive\n"
    assert run("elsewhere", tmp_path / "mark").stdout == "alive\n"
    assert not (tmp_path / "mark").exists()


def test_the_first_who_comes_there_dies_and_the_next_lives(tmp_path: Path) -> None:
    first = run("b/after", tmp_path / "mark")
    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "")
    assert run("b/after", tmp_path / "mark").stdout == "alive\n"
