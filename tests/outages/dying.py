"""Run one service that dies at a place which a test chooses while it runs.

`python -m tests.outages.dying SERVICE MODULE`: the file `$ATELIER_PLACES/SERVICE` names the place
when the process starts; the process dies there once its mark has been removed.
"""

import os
import runpy
import sys
from pathlib import Path

from shared import failpoints

DIRECTORY = "ATELIER_PLACES"


def mark_of(directory: Path, place: str) -> Path:
    """The file that keeps processes alive at a place."""
    return directory / f"{place.replace('/', '_')}.died"


def mortal_at(directory: Path, service: str) -> str | None:
    """The place of the process of `service` that started last."""
    told = directory / f"{service}.is"
    return told.read_text(encoding="utf-8") if told.exists() else None


def choose(directory: Path, service: str, place: str) -> None:
    """Let the processes of `service` that start from now on be mortal at `place`, not yet."""
    mark_of(directory, place).touch()
    _write(directory / service, place)


def _become_mortal(service: str) -> None:
    directory = Path(os.environ[DIRECTORY])
    place = (directory / service).read_text(encoding="utf-8")
    os.environ[failpoints.PLACE] = place
    os.environ[failpoints.MARK] = str(mark_of(directory, place))
    _write(directory / f"{service}.is", place)


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    _become_mortal(sys.argv.pop(1))
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
