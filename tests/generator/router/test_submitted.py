"""Calls that were submitted and are waited for, also by those who come later."""

import pytest

from services.generator.domain.failures import ProviderFailure
from shared.calls import AttemptAnswer
from shared.outcomes import TryLater
from tests.builders import content_requested
from tests.generator.fakes import RecordingAttempts, made_image
from tests.generator.router.rig import Router, Submitted, provider

PENDING = AttemptAnswer(
    answer="pending", attempt_id="before", provider="vendor", call_id="call-7", number=1
)


async def test_the_vendors_id_is_on_record_before_anybody_waits() -> None:
    vendor = Submitted([made_image()], name="vendor")
    router = Router([vendor])
    await router.handler(content_requested())
    assert router.attempts.noted == [("attempt-1", "call-1")]
    assert vendor.log == ["submitted", "waiting"]


async def test_a_call_that_was_submitted_is_waited_for_and_not_made_again() -> None:
    vendor = Submitted([made_image()], name="vendor", results={"call-7": made_image(b"late")})
    router = Router([vendor], attempts=RecordingAttempts([PENDING]))
    generated = await router.handler(content_requested())
    assert vendor.log == ["resumed call-7"]
    assert generated.generation.attempt_id == "before"
    assert await router.staging.get(generated.image) == b"late"
    assert router.record == [("vendor", "succeeded", None)]


async def test_another_providers_call_is_waited_for_where_it_was_submitted() -> None:
    vendor = Submitted([made_image()], name="vendor", results={"call-7": made_image(b"late")})
    first = provider()
    router = Router([first, vendor], attempts=RecordingAttempts([PENDING]))
    generated = await router.handler(content_requested())
    assert (first.calls, generated.generation.provider) == (0, "vendor")


async def test_a_resumed_call_that_failed_is_settled_and_the_piece_begins_anew() -> None:
    gone = ProviderFailure("NOT_FOUND", "expired", outcome="unknown")
    vendor = Submitted([made_image()], name="vendor", results={"call-7": gone})
    router = Router([vendor], attempts=RecordingAttempts([PENDING]))
    with pytest.raises(TryLater):
        await router.handler(content_requested())
    assert router.record == [("vendor", "unknown", "NOT_FOUND")]
    made = (await router.handler(content_requested())).generation
    assert made.attempt_id != "before"


async def test_a_call_to_a_provider_that_is_asked_no_more_is_left_to_be_reconciled() -> None:
    router = Router([provider()], attempts=RecordingAttempts([PENDING]))
    with pytest.raises(TryLater):
        await router.handler(content_requested())
    assert router.record == [("vendor", "unknown", "NOT_CONFIGURED")]
