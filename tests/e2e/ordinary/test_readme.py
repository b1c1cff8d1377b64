"""The README's examples work when they are copied to a shell, in their order."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.system import ROOT, System

BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are written for curl")
def test_the_examples_of_the_readme_run(atelier: System, tmp_path: Path) -> None:
    script = "\n".join(BLOCK.findall((ROOT / "README.md").read_text()))
    assert script.count("curl") >= 6
    (tmp_path / ".atelier").symlink_to(atelier.data)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert '"hook_text"' in done.stdout
