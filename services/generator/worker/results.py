"""Results of submitted orders, kept for whoever polls: as many as may be, as long as they may."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.generator.worker.making import Made

Reply = Made[bytes]


@dataclass(slots=True)
class _Submitted:
    task: "asyncio.Task[Reply]" = field(repr=False)
    ended_at: float | None = None
    is_fetched: bool = False


class Results:
    """Orders by the id of their call, which only who submitted knows: it cannot be guessed."""

    def __init__(
        self, *, most: int, keep_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._keep_s = keep_s
        self._monotonic = monotonic
        self._by_id: dict[str, _Submitted] = {}

    @property
    def awaited(self) -> int:
        """Results that nobody has fetched yet."""
        self._forget()
        return sum(not each.is_fetched for each in self._by_id.values())

    def add(self, task: "asyncio.Task[Reply]") -> str:
        """Keep what comes of it; the id to ask for it by."""
        call_id = f"wc-{secrets.token_urlsafe(18)}"
        submitted = _Submitted(task)
        self._by_id[call_id] = submitted
        task.add_done_callback(lambda _: self._ended(submitted))
        return call_id

    def find(self, call_id: str) -> "asyncio.Task[Reply] | None":
        """The order; None where nobody knows it, or not any more."""
        self._forget()
        submitted = self._by_id.get(call_id)
        if submitted is None:
            return None
        submitted.is_fetched = submitted.task.done()
        return submitted.task

    def _ended(self, submitted: _Submitted) -> None:
        submitted.ended_at = self._monotonic()
        self._forget()

    def _forget(self) -> None:
        now = self._monotonic()
        ended = {
            call_id: each.ended_at
            for call_id, each in self._by_id.items()
            if each.ended_at is not None
        }
        # A result that was fetched may have got lost on its way, but is missed least.
        by_use = sorted(ended, key=lambda each: (not self._by_id[each].is_fetched, ended[each]))
        too_many = set(by_use[: max(0, len(by_use) - self._most)])
        for call_id, ended_at in ended.items():
            if call_id in too_many or now - ended_at > self._keep_s:
                del self._by_id[call_id]
