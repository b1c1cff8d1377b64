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


def choose(directory: Path, service: str, place: str) -> None:
    """Let the processes of `service` that start from now on be mortal at `place`, not yet."""
    mark_of(directory, place).touch()
    scratch = directory / f"{service}.new"
    scratch.write_text(place, encoding="utf-8")
    scratch.replace(directory / service)


def _become_mortal(service: str) -> None:
    directory = Path(os.environ[DIRECTORY])
    chosen = directory / service
    if chosen.exists():
        place = chosen.read_text(encoding="utf-8")
        os.environ[failpoints.PLACE] = place
        os.environ[failpoints.MARK] = str(mark_of(directory, place))


if __name__ == "__main__":
    _become_mortal(sys.argv.pop(1))
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
