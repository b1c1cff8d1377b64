"""A copy of the product in which single texts are exchanged, and an Atelier that runs from it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.e2e.system import ROOT, System

PARTS = ("cli", "deploy", "services", "shared")
START_LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Patch:
    """An exchange in one file; `old` must be there exactly once."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """The text after the exchange. Raises ValueError when the product reads otherwise."""
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} has this text {times} times: {self.old!r}")
        return text.replace(self.old, self.new)


SOONER = Patch("shared/topology.py", "ack_wait_s: float = 12.0", "ack_wait_s: float = 3.0")
"""In every copy the broker loses patience sooner, so that tests of redelivery are short."""


def copy_product(target: Path, patches: Sequence[Patch]) -> Path:
    """Copy the product to `target` and exchange the texts."""
    for part in PARTS:
        shutil.copytree(ROOT / part, target / part)
    for patch in patches:
        path = target / patch.file
        path.write_text(patch.applied(path.read_text()))
    return target


@contextmanager
def running_copy(root: Path, data: Path, **settings: str) -> Iterator[System]:
    """Start an Atelier from the copy at `root`, and stop it at the end."""
    environment = {**os.environ, "PYTHONPATH": str(root), **settings}
    command = [sys.executable, "-m", "deploy.local"]
    up = subprocess.run(
        [*command, "up", "--detach", "--data", str(data)],
        # A module is looked for in the working directory first.
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_LIMIT_S,
    )
    assert up.returncode == 0, f"{up.stdout}\n{up.stderr}"
    try:
        with _client(data) as client:
            yield System(data, client)
    finally:
        down = [*command, "down", "--data", str(data)]
        subprocess.run(down, cwd=root, env=environment, check=True, capture_output=True)


def _client(data: Path) -> httpx2.Client:
    endpoint = json.loads((data / "endpoint.json").read_text())
    return httpx2.Client(
        base_url=f"{endpoint['url']}/api/v1",
        headers={"X-API-Key": endpoint["api_key"]},
        timeout=60,
        trust_env=False,
    )
