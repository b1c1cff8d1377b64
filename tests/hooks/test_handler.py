"""Writing hooks: five that fit, none by accident, and none where nobody wants them."""

import pytest

from services.hooks.domain.limits import PlatformLimits
from services.hooks.handler.desk import Desk
from services.hooks.handler.hooks import WriteHooks
from services.hooks.handler.jobs import Outcome, Unwritten
from services.hooks.handler.standby import Standby
from shared.content import Captions, CaptionSource, Platform
from shared.outcomes import GiveUp, TryLater
from tests.builders import brief, image_generated
from tests.hooks.fakes import CannedCopywriter

LIMITS = {Platform.INSTAGRAM: PlatformLimits(max_chars=40, max_hashtags=3)}
BY_MODEL = Captions(source=CaptionSource.MODEL, hooks=("a",), provider="scripted")


def writing(writer: CannedCopywriter, **options: object) -> WriteHooks:
    return WriteHooks(Standby(writer, LIMITS), **options)  # type: ignore[arg-type]


def with_outcome(outcome: Outcome) -> WriteHooks:
    async def write(jobs: object) -> list[Outcome]:
        return [outcome]

    return writing(CannedCopywriter(), desk=Desk(write, most=10, linger_s=0))


async def test_keeps_the_first_five_that_fit() -> None:
    drafts = ["x" * 41, *(f"line {n}" for n in range(9))]
    hooked = await writing(CannedCopywriter(drafts))(image_generated())
    assert hooked.captions.hooks == tuple(f"line {n}" for n in range(5))
    assert hooked.captions.source is CaptionSource.TEMPLATE


async def test_gives_up_when_every_draft_is_blank() -> None:
    with pytest.raises(GiveUp) as gave_up:
        await writing(CannedCopywriter(["", "  "]))(image_generated())
    assert gave_up.value.reason == "no_captions"


@pytest.mark.parametrize(("ordered", "enabled"), [(False, True), (True, False)])
async def test_captions_turned_off_are_a_fact_that_says_skipped(
    *, ordered: bool, enabled: bool
) -> None:
    writer = CannedCopywriter(["never asked for"])
    event = image_generated(brief=brief(include_hooks=ordered))
    hooked = await writing(writer, enabled=enabled)(event)
    assert hooked.captions.source is CaptionSource.SKIPPED
    assert hooked.captions.hooks == ()
    assert writer.asked_for == 0


async def test_what_earlier_steps_knew_is_passed_on() -> None:
    event = image_generated()
    hooked = await writing(CannedCopywriter(["one"]))(event)
    assert (hooked.image, hooked.generation, hooked.run) == (
        event.image,
        event.generation,
        event.run,
    )


async def test_a_models_captions_are_passed_on_as_they_are() -> None:
    hooked = await with_outcome(BY_MODEL)(image_generated())
    assert hooked.captions == BY_MODEL


@pytest.mark.parametrize("reason", ["refused", "malformed", "unavailable", "blocked"])
async def test_what_no_model_wrote_is_written_by_people_and_marked(reason: str) -> None:
    hooked = await with_outcome(Unwritten(reason))(image_generated())  # type: ignore[arg-type]
    assert hooked.captions.source is CaptionSource.TEMPLATE
    assert hooked.captions.instead_of == reason
    assert len(hooked.captions.hooks) == 5


async def test_busy_models_are_waited_for_a_little_longer_than_they_ask() -> None:
    with pytest.raises(TryLater) as later:
        await with_outcome(Unwritten("unavailable", wait_s=8.0))(image_generated())
    assert later.value.after_s is not None
    assert 8.0 <= later.value.after_s <= 10.0


@pytest.mark.parametrize("error", [GiveUp("cancelled"), TryLater("away"), ValueError("a bug")])
async def test_what_stands_against_a_piece_is_raised_for_it(error: Exception) -> None:
    with pytest.raises(type(error)):
        await with_outcome(error)(image_generated())


async def test_who_has_waited_long_gets_written_captions_and_nobody_before() -> None:
    hooks = writing(CannedCopywriter(), patience_s=60.0)
    event, wish = image_generated(), TryLater("the ledger is away")
    assert await hooks.waited_long(event, 59.9, wish) is None
    hooked = await hooks.waited_long(event, 60.0, wish)
    assert hooked is not None
    assert hooked.captions.instead_of == "unavailable"
