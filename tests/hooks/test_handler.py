"""Writing hooks: five that fit, none by accident, and none where nobody wants them."""

from collections.abc import Sequence

import pytest

from services.hooks.domain import PlatformLimits
from services.hooks.handler import WriteHooks
from shared.content import Brief, CaptionSource, Platform
from shared.outcomes import GiveUp
from tests.builders import brief, image_generated

LIMITS = {Platform.INSTAGRAM: PlatformLimits(max_chars=40, max_hashtags=3)}


class CannedCopywriter:
    def __init__(self, drafts: Sequence[str]) -> None:
        self.drafts = drafts
        self.asked_for = 0

    async def draft(self, brief: Brief, piece_id: str, *, count: int) -> Sequence[str]:
        self.asked_for = count
        return self.drafts


async def test_keeps_the_first_five_that_fit() -> None:
    drafts = ["x" * 41, *(f"line {n}" for n in range(9))]
    hooked = await WriteHooks(CannedCopywriter(drafts), LIMITS)(image_generated())
    assert hooked.captions.hooks == tuple(f"line {n}" for n in range(5))
    assert hooked.captions.source is CaptionSource.TEMPLATE


async def test_gives_up_when_every_draft_is_blank() -> None:
    with pytest.raises(GiveUp) as gave_up:
        await WriteHooks(CannedCopywriter(["", "  "]), LIMITS)(image_generated())
    assert gave_up.value.reason == "no_captions"


@pytest.mark.parametrize(("ordered", "enabled"), [(False, True), (True, False)])
async def test_captions_turned_off_are_a_fact_that_says_skipped(
    *, ordered: bool, enabled: bool
) -> None:
    writer = CannedCopywriter(["never asked for"])
    event = image_generated(brief=brief(include_hooks=ordered))
    hooked = await WriteHooks(writer, LIMITS, enabled=enabled)(event)
    assert hooked.captions.source is CaptionSource.SKIPPED
    assert hooked.captions.hooks == ()
    assert writer.asked_for == 0


async def test_what_earlier_steps_knew_is_passed_on() -> None:
    event = image_generated()
    hooked = await WriteHooks(CannedCopywriter(["one"]), LIMITS)(event)
    assert (hooked.image, hooked.generation, hooked.run) == (
        event.image,
        event.generation,
        event.run,
    )
