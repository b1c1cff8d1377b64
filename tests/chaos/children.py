"""Helper processes of a run: started here, gone when their standard input ends or we do."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import tethered

STOP_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Child:
    """A helper that has said its first line."""

    process: asyncio.subprocess.Process
    first_line: str

    async def tell(self, **command: object) -> None:
        """Give it one order."""
        stdin = self.process.stdin
        if stdin is None:
            raise RuntimeError("the helper takes no orders")
        stdin.write(json.dumps(command).encode() + b"\n")
        await stdin.drain()


@asynccontextmanager
async def child(module: str, *arguments: str, log_file: Path) -> AsyncIterator[Child]:
    """A process that runs `module`, from its first line on stdout to the end of the block."""
    with log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *tethered([sys.executable, "-m", module, *arguments]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
        )
    try:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the helper was started without pipes")
        line = (await process.stdout.readline()).decode().strip()
        if not line:
            raise RuntimeError(f"{module} ended at once; see {log_file}")
        yield Child(process, line)
        process.stdin.close()
        await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
