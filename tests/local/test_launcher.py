"""`./dev` in a clone of its own, with nothing locked, so that no network is needed."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pip
import pytest

from deploy.local.paths import REPOSITORY

TIMEOUT_S = 120
# Stands for the embedded mode: tells how it was called.
ECHO = """
import json, os, sys
print(json.dumps({
    "arguments": sys.argv[1:], "cwd": os.getcwd(), "prefix": sys.prefix,
    "called_from": os.environ["ATELIER_CALLED_FROM"], "path": os.environ["PYTHONPATH"],
}))
"""
# Stands before Python's own where environments are made: pip is lent from here, for to install
# it takes longer than all the rest.
LENDING = f"""
import pathlib, subprocess, sys
subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", sys.argv[1]], check=True)
(packages,) = pathlib.Path(sys.argv[1]).glob("lib/python*/site-packages")
(packages / "pip").symlink_to({str(Path(pip.__file__).parent)!r})
"""
PRETEND_OLD = "import runpy, sys; sys.version_info = (3, 10, 9); runpy.run_path(sys.argv[1])"


def launch(
    clone: Path, *arguments: str, cwd: Path | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run `./dev` and give its outcome."""
    return subprocess.run(
        [sys.executable, str(clone / "dev"), *arguments],
        cwd=cwd or clone,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def make_clone(root: Path) -> Path:
    """Make the least that `./dev` needs."""
    (root / "requirements").mkdir(parents=True)
    (root / "deploy" / "local").mkdir(parents=True)
    (root / "deploy" / "local" / "__main__.py").write_text(ECHO)
    for name in ("local.txt", "dev.txt", "torch.txt"):
        (root / "requirements" / name).write_text("# nothing\n")
    shutil.copy(REPOSITORY / "dev", root / "dev")
    return root


@dataclass(frozen=True)
class Made:
    """A clone whose environment is made, and how those ended that made it."""

    root: Path
    first: tuple[subprocess.CompletedProcess[str], ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two at once make the environment of a clone in a path with a space and an umlaut.

    It is the only one that is made as in earnest.
    """
    root = make_clone(tmp_path_factory.mktemp("Größe test") / "clone")
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(launch, root, "up") for _ in range(2)]
    (root / "venv.py").write_text(LENDING)
    return Made(root, tuple(each.result() for each in both))


@pytest.fixture(scope="module")
def clone(made: Made) -> Path:
    """The clone whose environment is made."""
    assert [each.returncode for each in made.first] == [0, 0], made.first
    return made.root


def write_torch(directory: Path) -> Path:
    """Write a wheel that is nothing but torch's name and the version of its build for CPUs."""
    name = "torch-2.13.0+cpu"
    wheel = directory / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("torch/__init__.py", "")
        archive.writestr(
            f"{name}.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n",
        )
        archive.writestr(
            f"{name}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{name}.dist-info/RECORD", "")
    return wheel


@pytest.fixture
def torch_wanted(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a real clone, the larger set is whole with torch; no index has one."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("ATELIER_TORCH", "cpu")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    requirements = clone / "requirements" / "torch.txt"
    kept = requirements.read_text()
    requirements.write_text("# by itself\ntorch==2.13.0\n")
    yield
    requirements.write_text(kept)


def heard(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_command_runs_inside_the_environment_with_its_arguments(
    clone: Path, tmp_path: Path
) -> None:
    said = heard(launch(clone, "up", "--scale", "generator=3", cwd=tmp_path))
    assert said["arguments"] == ["up", "--scale", "generator=3"]
    assert said["prefix"] == str(clone / ".venv")
    assert said["cwd"] == said["path"] == str(clone)
    assert said["called_from"] == str(tmp_path)


def test_a_second_run_installs_nothing(clone: Path) -> None:
    done = launch(clone, "up", PIP_INDEX_URL="http://127.0.0.1:1")
    assert heard(done)
    assert done.stderr == ""


def test_the_larger_set_serves_for_the_smaller(clone: Path) -> None:
    assert launch(clone, "python", "-c", "pass").returncode == 0
    assert launch(clone, "up").stderr == ""


def test_a_changed_lock_file_is_installed_anew(clone: Path) -> None:
    (clone / "requirements" / "local.txt").write_text("# changed\n")
    assert "installing local.txt" in launch(clone, "up").stderr


def test_what_the_user_has_set_for_python_does_not_leak_in(clone: Path) -> None:
    done = launch(clone, "up", PYTHONPATH="/elsewhere", PIP_TARGET="/elsewhere")
    assert heard(done)["path"] == str(clone)


def test_an_environment_that_was_copied_here_is_made_anew(clone: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(clone, copy, symlinks=True)
    done = launch(copy, "up")
    assert "making .venv" in done.stderr
    assert heard(done)["prefix"] == str(copy / ".venv")


def test_two_at_once_in_one_clone_do_not_clash(made: Made) -> None:
    assert [each.returncode for each in made.first] == [0, 0], made.first
    assert sum("making .venv" in each.stderr for each in made.first) == 1


def test_a_failed_install_says_what_to_do_shows_the_log_and_starts_over(clone: Path) -> None:
    requirements = clone / "requirements" / "local.txt"
    kept = requirements.read_text()
    requirements.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    try:
        done = launch(clone, "up", PIP_NO_INDEX="1")
    finally:
        requirements.write_text(kept)
    assert done.returncode == 1
    assert "no build of a locked package" in done.stderr
    assert "no-such-package" in done.stderr
    assert "install.log" in done.stderr
    (clone / ".venv" / "half-a-package").touch()
    again = launch(clone, "up")
    assert "making .venv" in again.stderr
    assert heard(again)
    assert not (clone / ".venv" / "half-a-package").exists()


@pytest.mark.usefixtures("torch_wanted")
def test_torch_comes_by_itself_and_only_where_it_is_needed(clone: Path, tmp_path: Path) -> None:
    write_torch(tmp_path)
    assert "torch" not in launch(clone, "up").stderr
    first = launch(clone, "python", "-c", "import torch", PIP_FIND_LINKS=str(tmp_path))
    assert (first.returncode, first.stderr.count("installing torch==2.13.0 (cpu)") > 0) == (0, True)
    again = launch(clone, "python", "-c", "import torch")
    assert (again.returncode, again.stderr) == (0, "")
    # A device of one's own is no toy: what runs on it needs torch as well.
    assert launch(clone, "up", SDXL_LOCAL_ENABLED="true").stderr == ""


@pytest.mark.usefixtures("torch_wanted")
def test_without_torch_it_says_what_can_be_done_and_keeps_what_it_has(
    clone: Path, tmp_path: Path
) -> None:
    requirements = clone / "requirements" / "torch.txt"
    requirements.write_text("torch==2.13.1\n")
    done = launch(clone, "python", "-c", "pass", PIP_FIND_LINKS=str(tmp_path))
    assert done.returncode == 1
    assert "torch==2.13.1 (cpu) could not be had" in done.stderr
    assert "PIP_FIND_LINKS" in done.stderr
    assert launch(clone, "up").stderr == ""


def test_an_unknown_command_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    done = launch(make_clone(tmp_path / "clone"), "dance")
    assert done.returncode == 2
    assert "demo" in done.stderr
    assert not (tmp_path / "clone" / ".venv").exists()


def test_without_a_command_it_says_what_there_is(tmp_path: Path) -> None:
    done = launch(make_clone(tmp_path / "clone"))
    assert done.returncode == 0
    assert "doctor" in done.stdout


def test_an_old_python_without_a_newer_one_is_told_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRETEND_OLD, str(REPOSITORY / "dev")],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.11" in done.stderr
    assert "apt install" in done.stderr


def test_lint_names_what_failed(clone: Path) -> None:
    done = launch(clone, "lint")
    assert done.returncode == 1
    assert "failed: ruff check, ruff format, mypy, import-linter" in done.stdout


def test_benchmarks_are_listed_and_an_unknown_one_is_refused(clone: Path) -> None:
    (clone / "benchmarks").mkdir(exist_ok=True)
    for name in ("__main__.py", "pipeline.py"):
        (clone / "benchmarks" / name).write_text("")
    assert json.loads(launch(clone, "bench", "--json").stdout) == ["pipeline"]
    refused = launch(clone, "bench", "nothing")
    assert refused.returncode == 1
    assert "pipeline" in refused.stderr


def test_an_environment_behind_a_link_is_never_touched(clone: Path, tmp_path: Path) -> None:
    borrower = make_clone(tmp_path / "borrower")
    lent = clone / ".venv"
    (borrower / ".venv").symlink_to(lent)
    before = sorted(path.name for path in lent.iterdir())
    refused = launch(borrower, "up")
    assert refused.returncode == 1
    assert "Delete the link" in refused.stderr
    assert sorted(path.name for path in lent.iterdir()) == before
