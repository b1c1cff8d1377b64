"""The ledger is asked about every image, but for a moment where nothing was ever taken down."""

from typing import Any

import pytest

from services.safety.adapters.ledger_takedowns import LedgerTakedowns
from shared.calls import ImageMatch, MatchImage
from shared.outcomes import TryLater

HASH = "a" * 64


class Ledger:
    """Answers what it was told to, and remembers who was asked about."""

    def __init__(self, answer: ImageMatch) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.now = 100.0

    async def __call__(self, _: Any, request: MatchImage) -> Any:
        self.asked.append(request.tenant)
        return self.answer

    @property
    def takedowns(self) -> LedgerTakedowns:
        return LedgerTakedowns(self, clock=lambda: self.now)  # type: ignore[arg-type]


async def test_where_something_was_taken_down_every_image_is_asked_about() -> None:
    ledger = Ledger(ImageMatch(piece_id=None))
    takedowns = ledger.takedowns
    for _ in range(3):
        assert await takedowns.like("default", HASH, None) is None
    assert len(ledger.asked) == 3


async def test_where_nothing_was_it_is_asked_again_after_a_moment_and_for_each_tenant() -> None:
    ledger = Ledger(ImageMatch(nothing_taken_down=True))
    takedowns = ledger.takedowns
    for tenant in ("default", "default", "other", "default"):
        await takedowns.like(tenant, HASH, None)
    assert ledger.asked == ["default", "other"]
    ledger.now += 0.2
    ledger.answer = ImageMatch(piece_id="p-1")
    assert await takedowns.like("default", HASH, None) == "p-1"


async def test_whether_there_are_any_is_asked_again_until_there_are() -> None:
    ledger = Ledger(ImageMatch(nothing_taken_down=True))
    takedowns = ledger.takedowns
    assert not await takedowns.are_any("default", HASH)
    ledger.now += 0.2
    ledger.answer = ImageMatch(piece_id=None)
    assert await takedowns.are_any("default", HASH)
    assert ledger.asked == ["default", "default"]


async def test_where_there_are_any_the_ledger_is_asked_once_an_image() -> None:
    ledger = Ledger(ImageMatch(piece_id=None))
    takedowns = ledger.takedowns
    for _ in range(3):
        assert await takedowns.are_any("default", HASH)
    assert len(ledger.asked) == 1
    await takedowns.like("default", HASH, None)
    assert len(ledger.asked) == 2


async def test_no_answer_does_not_mean_that_there_are_none() -> None:
    async def is_away(*_: Any) -> Any:
        raise TryLater("nobody answers")

    takedowns = LedgerTakedowns(is_away)  # type: ignore[arg-type]
    with pytest.raises(TryLater):
        await takedowns.are_any("default", HASH)
