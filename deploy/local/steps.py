"""Run a command to its end, as one step of a start."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Mapping, Sequence

from deploy.local.errors import CannotRun
from deploy.local.output import LineSink
from deploy.local.processes import tethered

STEP_TIMEOUT_S = 120.0
SHOWN_LINES = 20


class StepFailed(CannotRun):
    """A command of the start failed; the message ends with its last lines."""


async def run_step(
    name: str, command: Sequence[str], environment: Mapping[str, str], sink: LineSink
) -> str:
    """Run `command` and give what it printed on stdout; raises StepFailed.

    Only what it says on stderr goes to `sink`: stdout may be a secret.
    """
    process = await asyncio.create_subprocess_exec(
        *tethered(command),
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, said = await asyncio.wait_for(process.communicate(), STEP_TIMEOUT_S)
    except TimeoutError as exc:
        raise StepFailed(f"{name} did not end within {STEP_TIMEOUT_S:g} s") from exc
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    lines = said.decode(errors="replace").splitlines()
    for line in lines:
        sink.write(name, line)
    if process.returncode != 0:
        words = "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])
        raise StepFailed(f"{name} failed with exit code {process.returncode}:\n{words}")
    return output.decode()


async def together(*steps: Awaitable[object]) -> None:
    """Run steps at the same time; when one fails, cancel the others and raise its error."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
