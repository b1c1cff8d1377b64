"""Start a stack, keep it until a signal or a failure, and stop it in every case."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from deploy.local.endpoint import Endpoint
from deploy.local.stack import Stack

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_INTERRUPTED = 128 + signal.SIGINT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session went, and whether the stack is to serve on until a signal."""

    exit_code: int = 0
    serve_on: bool = True


Session = Callable[[Endpoint], Awaitable[Outcome]]


class Interrupted(Exception):
    """A signal came first."""


async def serve(stack: Stack, session: Session, *, on_stop: Callable[[], None]) -> int:
    """Start `stack`, run `session`, serve on if it says so, and give its exit code.

    SIGINT, SIGTERM or SIGHUP end the serving; during the start or the session they mean 130. A
    second one kills the services. Raises CannotRun when the start or the supervision fails.
    """
    signals = _received_signals()
    asked = asyncio.ensure_future(signals.get())
    try:
        outcome = await _unless(asked, _begin(stack, session))
        if outcome.serve_on:
            await _until_asked(asked, stack)
    except Interrupted:
        return EXIT_INTERRUPTED
    finally:
        asked.cancel()
        on_stop()
        await _stop(stack, signals)
    return outcome.exit_code


async def _begin(stack: Stack, session: Session) -> Outcome:
    return await session(await stack.start())


async def _until_asked(asked: asyncio.Future[int], stack: Stack) -> None:
    with contextlib.suppress(Interrupted):
        await _unless(asked, stack.ended_by_itself())


async def _unless(asked: asyncio.Future[int], work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    either: list[asyncio.Future[Any]] = [task, asked]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
        raise Interrupted
    return task.result()


async def _stop(stack: Stack, signals: asyncio.Queue[int]) -> None:
    stopping = asyncio.ensure_future(stack.stop())
    while not stopping.done():
        asked = asyncio.ensure_future(signals.get())
        either: list[asyncio.Future[Any]] = [stopping, asked]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            stack.hurry()
        asked.cancel()
    stopping.result()


def _received_signals() -> asyncio.Queue[int]:
    received: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, received.put_nowait, int(number))
    return received
