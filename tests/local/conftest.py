"""Data of a database, made once: to make them takes longer than to start over them."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.postgres import EmbeddedPostgres

MakeData = Callable[[Path], None]


@pytest.fixture(scope="session")
def make_data(tmp_path_factory: pytest.TempPathFactory) -> MakeData:
    """Make a directory one that Postgres was stopped over in good order."""
    made = tmp_path_factory.mktemp("made") / "pg"

    async def make() -> None:
        async with EmbeddedPostgres(made, settings={"fsync": "off"}):
            pass

    asyncio.run(make())

    def copy(directory: Path) -> None:
        # With their owner, who need not be us.
        subprocess.run(["cp", "-a", made, directory], check=True)

    return copy
