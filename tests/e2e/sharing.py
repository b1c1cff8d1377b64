"""How tests are shared out when several processes run them: what needs one Atelier stays together.

A directory below this one holds the tests of one Atelier. Whoever gets one of its files gets them
all, so that it is started once. Everything else is shared out by file.
"""

from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

HERE = PurePosixPath("tests/e2e")


class ByAtelier(LoadFileScheduling):  # type: ignore[misc]
    """By file, where nothing is shared; of files in one directory below ours, together."""

    def _split_scope(self, nodeid: str) -> str:
        return together(super()._split_scope(nodeid))


def together(file: str) -> str:
    """What a file is run together with: its directory, or itself alone."""
    directory = PurePosixPath(file).parent
    return str(directory) if directory.parent == HERE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByAtelier | None:
    """Ours, where tests are shared out by file."""
    return ByAtelier(config, log) if config.getvalue("dist") == "loadfile" else None
