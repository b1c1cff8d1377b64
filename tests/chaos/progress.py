"""How a run goes on, while it does: a moving line on a terminal, a plain one at times elsewhere."""

import asyncio
import time
from collections.abc import Callable

from rich.console import Console

TERMINAL_EVERY_S = 0.5
PLAIN_EVERY_S = 10.0


async def report(console: Console, line: Callable[[], str]) -> None:
    """Show `line()` again and again until cancelled."""
    began = time.monotonic()
    if not console.is_terminal:
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            console.print(f"{time.monotonic() - began:4.0f} s  {line()}", highlight=False)
    with console.status("") as status:
        while True:
            status.update(f"{time.monotonic() - began:4.0f} s  {line()}")
            await asyncio.sleep(TERMINAL_EVERY_S)
