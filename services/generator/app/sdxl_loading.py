"""An engine that is there at once, and whose model comes later."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from services.generator.sdxl.wishes import (
    EngineHealth,
    EngineState,
    FailureCode,
    ImageEngine,
    NoPicture,
    OnStep,
    Picture,
    QueueFull,
    Wish,
)

log = structlog.get_logger(__name__)

_RETRY_AFTER_S = 10.0
MODEL = "SDXL_MODEL"
LOADING_THREAD = "model loading"

T = TypeVar("T")


class CannotLoad(NoPicture):
    """There will be no model, and `key` is the setting to look at."""

    def __init__(self, key: str, detail: str, code: FailureCode | None = None) -> None:
        super().__init__(code or FailureCode.MODEL_LOAD_FAILED, detail)
        self.key = key


class LoadingEngine:
    """Takes wishes on while the model loads; they wait for it within their limits.

    `before` is what it says of itself until then.
    """

    def __init__(self, load: Callable[[], Awaitable[ImageEngine]], before: EngineHealth) -> None:
        self._before = before
        self._waiting = 0
        self._loading = asyncio.ensure_future(load())
        self._loading.add_done_callback(_tell)

    @property
    def is_loading(self) -> bool:
        """Whether the model is still on its way."""
        return not self._loading.done()

    async def loaded(self) -> ImageEngine:
        """Wait for the model. Raises CannotLoad."""
        try:
            return await asyncio.shield(self._loading)
        # One for each who asks: an exception that is raised again and again grows.
        except CannotLoad as exc:
            raise CannotLoad(exc.key, exc.detail, exc.code) from None
        except NoPicture as exc:
            raise CannotLoad(MODEL, exc.detail, exc.code) from None
        except Exception as exc:  # noqa: BLE001 - it is in the log, and nobody can do without
            raise CannotLoad(MODEL, f"it cannot be loaded: {type(exc).__name__}") from None

    async def generate(self, wish: Wish, *, on_step: OnStep | None = None) -> Picture:
        if self.is_loading:
            wish = await self._wait(wish)
        engine = await self.loaded()
        return await engine.generate(wish, on_step=on_step)

    def health(self) -> EngineHealth:
        if self.is_loading:
            room = self._before.room - self._waiting
            return replace(self._before, waiting=self._waiting, room=room)
        if self._loading.cancelled() or self._loading.exception() is not None:
            return replace(self._before, detail="the model cannot be loaded", room=0)
        return self._loading.result().health()

    async def close(self) -> None:
        """Wait for no model any more."""
        self._loading.cancel()
        await asyncio.wait([self._loading])

    async def _wait(self, wish: Wish) -> Wish:
        """Wait for the model within the wish's limit; what is left of that."""
        if self._waiting >= self._before.room:
            raise QueueFull(_RETRY_AFTER_S)
        began = time.monotonic()
        self._waiting += 1
        try:
            async with asyncio.timeout(wish.limit_s):
                await self.loaded()
        except TimeoutError:
            detail = "the model was not loaded in time"
            raise NoPicture(FailureCode.TIMEOUT, detail, retry_after_s=_RETRY_AFTER_S) from None
        finally:
            self._waiting -= 1
        return replace(wish, limit_s=max(0.0, wish.limit_s - (time.monotonic() - began)))


def _tell(done: "asyncio.Future[ImageEngine]") -> None:
    error = None if done.cancelled() else done.exception()
    if isinstance(error, NoPicture):
        # Its cause knows more than whoever asks is told.
        log.error("sdxl.no_model", code=error.code, detail=error.detail, exc_info=error.__cause__)
    elif error is not None:
        log.error("sdxl.no_model", exc_info=error)


async def in_thread_of_its_own(work: Callable[[], T]) -> T:
    """What `work` gives. A process may end without waiting for it, unlike for a pool's threads."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type] # None only where T is None

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as exc:  # noqa: BLE001 - it is raised to who waits
            error = exc
        try:
            loop.call_soon_threadsafe(tell, result, error)
        except RuntimeError:
            return  # the loop has ended, and with it whoever waited

    threading.Thread(target=run, name=LOADING_THREAD, daemon=True).start()
    return await outcome


def loading(model: str, device: str, slots: int, room: int) -> EngineHealth:
    """What an engine says before it has its model."""
    return EngineHealth(
        state=EngineState.LOADING,
        detail="the model is being loaded",
        model=model,
        device=device,
        slots=slots,
        slots_taken=0,
        running=0,
        waiting=0,
        room=room,
    )
