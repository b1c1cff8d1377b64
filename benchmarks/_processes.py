"""Processes of a benchmark: they end with the block that started them, or with us."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.processes import spawn, tethered

ROOT = Path(__file__).parents[1]


class ProcessFailed(Exception):
    """A process ended with a failure; the message ends with its own words."""


@contextmanager
def running(
    command: Sequence[str], *, environment: Mapping[str, str], log_file: Path
) -> Iterator[int]:
    """Run `command` in the repository's root until the block ends; gives its process id."""
    with log_file.open("ab") as log:
        tied = tethered(command, death_signal=signal.SIGTERM)
        process = spawn(tied, env=environment, output=log, cwd=ROOT)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def output_of(module: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """What a module prints when it is run. Raises ProcessFailed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complained = await process.communicate()
    if process.returncode != 0:
        words = (printed + complained).decode(errors="replace")
        raise ProcessFailed(f"{module} {' '.join(arguments)}:\n{words}")
    return printed.decode()
