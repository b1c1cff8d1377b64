"""Orders under way: taken on while there is room, each ended by a reply of some kind."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from services.generator.sdxl.wishes import (
    FailureCode,
    ImageEngine,
    NoPicture,
    Picture,
    QueueFull,
    Wish,
)
from services.generator.worker.figures import GONE, Figures
from services.generator.worker.refusals import (
    DoorCode,
    Refusal,
    no_picture,
    queue_full,
    shutting_down,
)
from shared import logs

log = structlog.get_logger(__name__)

_FIRST_GUESS_S = 10.0
_LONGEST_RETRY_S = 60.0

Form = TypeVar("Form")


@dataclass(frozen=True, slots=True)
class Made(Generic[Form]):
    """What came of an order: an answer in the form that was wanted, or a refusal."""

    answer: Form | None = field(repr=False, default=None)
    refusal: Refusal | None = None


class Making:
    """Has images made by the engine; `most` orders at a time are under way or wait."""

    def __init__(self, engine: ImageEngine, figures: Figures, *, most: int) -> None:
        self.engine = engine
        self.is_closed = False
        self._is_stopped = False
        self._figures = figures
        self._most = most
        self._under_way: set[asyncio.Task[object]] = set()
        self._usual_s = _FIRST_GUESS_S

    @property
    def under_way(self) -> int:
        """Orders that have no reply yet."""
        return len(self._under_way)

    def begin(self, wish: Wish, form: Callable[[Picture], Form]) -> "asyncio.Task[Made[Form]]":
        """Take an order on; `form` runs in a thread. Raises Refusal where there is no room."""
        if self.is_closed:
            raise shutting_down()
        if self.under_way >= self._most:
            self._figures.ended(DoorCode.QUEUE_FULL)
            raise queue_full(QueueFull(self._retry_after_s))
        task = asyncio.create_task(self._make(wish, form))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def close(self) -> None:
        """Take nothing on any more."""
        self.is_closed = True

    def stop(self) -> None:
        """End what is under way, at its next step; each gets its reply."""
        self.close()
        self._is_stopped = True
        for task in tuple(self._under_way):
            task.cancel()

    @property
    def _retry_after_s(self) -> float:
        return min(_LONGEST_RETRY_S, max(1.0, self._usual_s))

    async def _make(self, wish: Wish, form: Callable[[Picture], Form]) -> Made[Form]:
        began = time.monotonic()
        try:
            async with asyncio.timeout(wish.limit_s):
                picture = await self.engine.generate(wish)
                answer = await asyncio.to_thread(form, picture)
        except asyncio.CancelledError:
            if not self._is_stopped:
                self._figures.ended(GONE)
                log.info("worker.order_left")
                raise
            return self._refused(shutting_down(), began)
        except Exception as exc:  # noqa: BLE001 - whatever it is, whoever asked gets an answer
            return self._refused(_refusal_of(exc), began)
        self._tell(picture, time.monotonic() - began)
        return Made(answer)

    def _refused(self, refusal: Refusal, began: float) -> Made[Any]:
        self._figures.ended(refusal.code)
        seconds = round(time.monotonic() - began, 3)
        log.warning("worker.refused", code=refusal.code, detail=refusal.error, duration_s=seconds)
        return Made(refusal=refusal)

    def _tell(self, picture: Picture, seconds: float) -> None:
        self._figures.made(seconds)
        self._usual_s += (seconds - self._usual_s) / 4
        log.info(
            "worker.made",
            size=f"{picture.width}x{picture.height}",
            steps=picture.steps,
            lora=picture.lora.sha256[:12] if picture.lora else None,
            largest_batch=picture.largest_batch,
            made_in_s=round(picture.duration_s, 3),
            duration_s=round(seconds, 3),
        )


def _refusal_of(exc: Exception) -> Refusal:
    match exc:
        case NoPicture():
            return no_picture(exc)
        case QueueFull():
            return queue_full(exc)
        case TimeoutError():
            return Refusal(FailureCode.TIMEOUT, "The image was not there in time.")
    # Its words may hold anything; where it happened does not.
    log.error("worker.failed", kind=type(exc).__name__, at=logs.where(exc))
    return Refusal(FailureCode.GENERATION_FAILED, "Something went wrong here; it is in our log.")
