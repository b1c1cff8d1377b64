"""A wait can be ended before the deadline, with a fact instead of a failure."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.events import ContentHalted, ContentHooked, Fact, ImageGenerated
from shared.outcomes import GiveUp, TryLater
from shared.stage import Stage
from shared.topology import WRITE_HOOKS, Topology
from tests.builders import captions, image_generated
from tests.runtime.fakes import HandedOut, MemoryDeadLetters, MemoryFactLog
from tests.runtime.handlers import Failing

PATIENCE_S = 60


class Desk:
    """A stage whose handler always wants to wait, and that bears with it for a minute."""

    def __init__(self, error: Exception | None = None) -> None:
        self.facts = MemoryFactLog()
        self.now = datetime.now(UTC)
        self.waited: list[float] = []
        self.stage = Stage(
            WRITE_HOOKS,
            Failing(error=lambda: error or TryLater("nobody answers")),
            self.facts,
            MemoryDeadLetters(),
            Topology(),
            lambda: self.now,
            waited_long=self._waited_long,
        )

    async def _waited_long(
        self, event: ImageGenerated, waited_s: float, wish: TryLater
    ) -> Fact | None:
        self.waited.append(waited_s)
        if waited_s < PATIENCE_S:
            return None
        return ContentHooked.following(event, captions=captions(wish.detail))

    async def settle(self, *, after_s: float) -> HandedOut:
        delivery = HandedOut.of(image_generated())
        delivery.stored_at = self.now - timedelta(seconds=after_s)
        await self.stage.settle(delivery)
        return delivery


async def test_a_wait_that_is_not_long_goes_on() -> None:
    desk = Desk()
    delivery = await desk.settle(after_s=PATIENCE_S - 1)
    assert delivery.handed_back
    assert not desk.facts.written


async def test_a_long_wait_ends_with_what_is_written_instead() -> None:
    desk = Desk()
    delivery = await desk.settle(after_s=PATIENCE_S)
    assert delivery.acks == 1
    [written] = desk.facts.of(ContentHooked)
    assert isinstance(written, ContentHooked)
    assert written.captions.hooks == ("nobody answers",)


async def test_it_is_counted_from_the_first_delivery() -> None:
    desk = Desk()
    await desk.settle(after_s=17)
    assert desk.waited == [pytest.approx(17, abs=1)]


async def test_an_end_that_cannot_be_written_keeps_the_input() -> None:
    desk = Desk()
    desk.facts.away = True
    delivery = await desk.settle(after_s=PATIENCE_S)
    assert delivery.acks == 0
    assert delivery.handed_back


async def test_what_is_no_wait_is_not_asked_about() -> None:
    desk = Desk(GiveUp("invalid_prompt"))
    await desk.settle(after_s=PATIENCE_S)
    assert desk.waited == []
    assert desk.facts.of(ContentHalted)
