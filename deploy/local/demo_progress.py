"""Show how far a batch is: live bars on a terminal, a plain line per change elsewhere."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

STAGES = ("requested", "generated", "hooked", "moderated", "stored", "persisted")

Show = Callable[[Mapping[str, int]], None]


def watch(console: Console, total: int) -> AbstractContextManager[Show]:
    """Give a function that shows counts by stage, for as long as the context lasts."""
    return _bars(console, total) if console.is_terminal else _lines(console)


@contextmanager
def _bars(console: Console, total: int) -> Iterator[Show]:
    columns = TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bars = {stage: progress.add_task(stage, total=total) for stage in STAGES}

        def show(counts: Mapping[str, int]) -> None:
            for stage, bar in bars.items():
                progress.update(bar, completed=counts.get(stage, 0))

        yield show


@contextmanager
def _lines(console: Console) -> Iterator[Show]:
    began = time.monotonic()
    last = ""

    def show(counts: Mapping[str, int]) -> None:
        nonlocal last
        line = "  ".join(f"{stage} {counts.get(stage, 0)}" for stage in STAGES)
        if line != last:
            last = line
            console.print(f"{time.monotonic() - began:5.1f} s  {line}", soft_wrap=True)

    yield show
