"""`atelier worker`: it becomes the generator's own worker, with its address as it was told."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).parents[2]


def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", "worker", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/"} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_becomes_the_worker_with_the_address_it_was_told() -> None:
    # A port that is the figures' as well is refused by the worker, before it loads anything.
    done = command("--port", "9100", METRICS_PORT="9100", WORKER_API_TOKEN="canary-token-of-mine")
    assert done.returncode == 2
    assert "METRICS_PORT: WORKER_PORT is the same" in done.stderr
    assert "canary" not in done.stdout + done.stderr


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *given: None if name == "diffusers" else real(name, *given),
    )
    said = CliRunner().invoke(app, ["worker"], env={"COLUMNS": "200"})
    assert said.exit_code == 1
    assert "diffusers is missing" in said.stderr
    assert "atelier[generator-sdxl]" in said.stderr


def test_its_help_names_where_settings_come_from() -> None:
    told = CliRunner().invoke(app, ["worker", "--help"]).output
    assert re.search(r"--host", told)
    assert "WORKER_API_TOKEN" in told
