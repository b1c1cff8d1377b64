"""Start a stack, keep it until a signal or a failure, and stop it in every case."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from deploy.local.endpoint import Endpoint
from deploy.local.stack import Stack

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_INTERRUPTED = 128 + signal.SIGINT

T = TypeVar("T")
Session = Callable[[Endpoint], Awaitable[int | None]]


class Interrupted(Exception):
    """A signal came first."""


async def serve(stack: Stack, session: Session, *, on_stop: Callable[[], None]) -> int:
    """Start `stack`, run `session` and give its exit code.

    A session that gives None leaves the stack running until SIGINT, SIGTERM or SIGHUP, which is
    exit code 0; during the start or the session a signal means 130. A second signal kills the
    services. Raises CannotRun when the start or the supervision fails.
    """
    signals = _received_signals()
    asked = asyncio.ensure_future(signals.get())
    try:
        code = await _unless(asked, _begin(stack, session))
        return await _until_asked(asked, stack) if code is None else code
    except Interrupted:
        return EXIT_INTERRUPTED
    finally:
        asked.cancel()
        on_stop()
        await _stop(stack, signals)


async def _begin(stack: Stack, session: Session) -> int | None:
    return await session(await stack.start())


async def _until_asked(asked: asyncio.Future[int], stack: Stack) -> int:
    try:
        await _unless(asked, stack.ended_by_itself())
    except Interrupted:
        return 0
    return 1


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
