"""Room for pictures in answers: a data URL takes several times its size until it is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

MOST_IN_AN_ANSWER_BYTES = 100 * 1024 * 1024
MOST_AT_A_TIME_BYTES = 128 * 1024 * 1024
"""In all answers that are not sent yet; decoded, as all sizes here."""

_TAKEN: ContextVar[list[int] | None] = ContextVar("embedded_in_this_answer", default=None)


@dataclass(slots=True)
class EmbeddingRoom:
    """Counts what answers hold."""

    limit_bytes: int = MOST_AT_A_TIME_BYTES
    taken_bytes: int = 0

    def take(self, size: int) -> bool:
        """Room for a picture of this answer, until it is sent; False where there is none."""
        mine = _TAKEN.get()
        taken = sum(mine or ())
        if taken + size > MOST_IN_AN_ANSWER_BYTES or self.taken_bytes + size > self.limit_bytes:
            return False
        if mine is not None:
            mine.append(size)
            self.taken_bytes += size
        return True

    @contextmanager
    def of_an_answer(self) -> Iterator[None]:
        """Give back at the end what was taken meanwhile."""
        mine: list[int] = []
        token = _TAKEN.set(mine)
        try:
            yield
        finally:
            _TAKEN.reset(token)
            self.taken_bytes -= sum(mine)


class FreeEmbedded:
    """Middleware: what an answer has embedded is held until it is sent, and no longer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        room: EmbeddingRoom = scope["app"].state.door.embedded
        with room.of_an_answer():
            await self._app(scope, receive, send)
