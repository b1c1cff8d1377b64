"""Texts that are slow to read: those of one call do not keep everybody else waiting."""

import asyncio
import threading
import time
from dataclasses import dataclass, field

import pytest

from services.safety.domain.screen import Occasion, Reading
from services.safety.handler import screening
from services.safety.handler.screening import ScreenText
from shared.calls import ScreenTexts, TextToScreen
from shared.outcomes import TryLater
from tests.eventually import eventually

LONG = "x" * 1_600


@dataclass
class SlowScreen:
    """Takes its time over every text, and knows how many it has read."""

    takes_s: float = 0.05
    version: str = "1"
    read: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reading(self, text: str, occasion: Occasion) -> Reading:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.takes_s)
        with self._lock:
            self.at_once -= 1
            self.read.append(text)
        return Reading()

    def screen_avoided(self, text: str, occasion: Occasion) -> list[object]:
        return []


def call(count: int) -> ScreenTexts:
    texts = tuple(TextToScreen(text=f"{LONG}{number}") for number in range(count))
    return ScreenTexts(tenant="default", texts=texts)


async def test_a_call_that_takes_more_than_its_share_is_told_to_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(screening, "_LONGEST_READING_S", 0.2)
    slow = SlowScreen()
    with pytest.raises(TryLater):
        await ScreenText(slow)(call(100))  # type: ignore[arg-type]
    assert 1 <= len(slow.read) <= 10


async def test_nobody_goes_on_reading_for_who_has_gone() -> None:
    slow = SlowScreen()
    asked = asyncio.create_task(ScreenText(slow)(call(100)))  # type: ignore[arg-type]
    await eventually(lambda: len(slow.read) >= 2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await eventually(lambda: slow.at_once == 0)
    read = len(slow.read)
    await asyncio.sleep(4 * slow.takes_s)
    assert len(slow.read) <= read + 1


async def test_a_crowd_is_read_two_at_a_time() -> None:
    slow = SlowScreen(takes_s=0.02)
    texts = ScreenText(slow)  # type: ignore[arg-type]
    await asyncio.gather(*(texts(call(2)) for _ in range(8)))
    assert slow.most_at_once == 2
