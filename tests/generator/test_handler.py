"""Having an image made: with the ledger's leave, once, and with every call on record."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.generator.domain.failures import ProviderFailure, RetryPolicy
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import MadeImage, NoteCallId, Provider
from shared.calls import AttemptAnswer
from shared.outcomes import GiveUp, TryLater
from tests.builders import blob, content_requested, generation
from tests.fakes import MemoryBlobs
from tests.generator.fakes import (
    EarlierImages,
    OpenGate,
    RecordingAttempts,
    ScriptedProvider,
    made_image,
)


async def no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def handler(
    *providers: Provider, attempts: RecordingAttempts, staging: MemoryBlobs | None = None
) -> GenerateImage:
    limits = Limits(concurrency=8, policy=RetryPolicy(max_retries=3))
    return GenerateImage(
        routing=Routing([Route(provider, limits) for provider in providers]),
        buy=BuyImage(attempts, staging or MemoryBlobs(), OpenGate(), sleep=no_sleep),
        substitutes=EarlierImages(),
        outage=Outage(patience_s=0),
        sleep=no_sleep,
    )


async def test_the_image_is_staged_and_the_attempt_settled_before_the_fact_is_returned() -> None:
    attempts, staging = RecordingAttempts(), MemoryBlobs()
    event = content_requested()
    generated = await handler(
        ScriptedProvider([made_image(b"pixels")]), attempts=attempts, staging=staging
    )(event)
    assert await staging.get(generated.image) == b"pixels"
    (settled,) = attempts.settled
    assert settled.outcome == "succeeded"
    assert settled.image == generated.image
    assert settled.generation == generated.generation
    assert settled.cost_usd_micros == 10_000
    assert generated.piece_id == event.piece_id


async def test_staging_names_tell_piece_and_run() -> None:
    event = content_requested(run=3)
    generated = await handler(ScriptedProvider([made_image()]), attempts=RecordingAttempts())(event)
    assert f"{event.piece_id}/3/" in generated.image.uri


async def test_an_image_bought_before_is_adopted_and_no_provider_is_called() -> None:
    provider, staging = ScriptedProvider([made_image()]), MemoryBlobs()
    image = await staging.put("piece/1", b"bought", media_type="image/png")
    bought = AttemptAnswer(answer="done", image=image, generation=generation(attempt_id="old"))
    attempts = RecordingAttempts([bought])
    generated = await handler(provider, attempts=attempts, staging=staging)(content_requested())
    assert provider.calls == 0
    assert generated.generation.attempt_id == "old"
    assert attempts.lost == []


async def test_an_image_whose_bytes_are_gone_is_bought_again_and_the_loss_is_told() -> None:
    provider = ScriptedProvider([made_image(b"again")])
    bought = AttemptAnswer(
        answer="done", attempt_id="old", image=blob(), generation=generation(attempt_id="old")
    )
    attempts, staging = RecordingAttempts([bought]), MemoryBlobs()
    generated = await handler(provider, attempts=attempts, staging=staging)(content_requested())
    assert attempts.lost == ["old"]
    assert await staging.get(generated.image) == b"again"
    assert generated.generation.attempt_id == attempts.settled[0].attempt_id != "old"


@pytest.mark.parametrize("reason", ["cancelled", "deadline", "superseded", "ended"])
async def test_no_call_is_made_when_the_ledger_says_no(reason: str) -> None:
    provider = ScriptedProvider([made_image()])
    refusal = AttemptAnswer(answer="no", reason=reason)
    with pytest.raises(GiveUp) as gave_up:
        await handler(provider, attempts=RecordingAttempts([refusal]))(content_requested())
    assert gave_up.value.reason == reason
    assert provider.calls == 0


async def test_no_answer_means_no_call() -> None:
    provider = ScriptedProvider([made_image()])
    with pytest.raises(TryLater):
        await handler(provider, attempts=RecordingAttempts([TryLater("nobody answers")]))(
            content_requested()
        )
    assert provider.calls == 0


async def test_a_call_that_cannot_be_prepared_is_no_attempt_and_no_failure() -> None:
    attempts, provider = RecordingAttempts(), ScriptedProvider([made_image()], unprepared=1)
    with pytest.raises(TryLater):
        await handler(provider, attempts=attempts)(content_requested())
    assert (attempts.opened, attempts.settled, provider.calls) == (0, [], 0)


async def test_waits_as_long_as_the_ledger_says_while_somebody_else_may_be_calling() -> None:
    busy = AttemptAnswer(answer="wait", after_s=12.5)
    with pytest.raises(TryLater) as later:
        await handler(ScriptedProvider([made_image()]), attempts=RecordingAttempts([busy]))(
            content_requested()
        )
    assert later.value.after_s == 12.5


async def test_every_retry_is_an_attempt_of_its_own() -> None:
    attempts = RecordingAttempts()
    provider = ScriptedProvider(
        [ProviderFailure("SERVER_ERROR", "HTTP 500"), ProviderFailure("TIMEOUT", ""), made_image()]
    )
    await handler(provider, attempts=attempts)(content_requested())
    assert [each.error_code for each in attempts.settled] == ["SERVER_ERROR", "TIMEOUT", None]
    assert len({each.attempt_id for each in attempts.settled}) == 3


async def test_the_next_provider_is_asked_when_the_first_is_out_of_order() -> None:
    first = ScriptedProvider([ProviderFailure("REFUSED", "HTTP 403")], name="first")
    second = ScriptedProvider([made_image()], name="second")
    generated = await handler(first, second, attempts=RecordingAttempts())(content_requested())
    assert generated.generation.provider == "second"
    assert first.calls == 1


async def test_gives_up_when_every_provider_failed_and_says_which_failure_was_last() -> None:
    first = ScriptedProvider([ProviderFailure("REFUSED", "HTTP 403")], name="first")
    second = ScriptedProvider([ProviderFailure("BAD_RESPONSE", "all black")], name="second")
    with pytest.raises(GiveUp, match="all black") as gave_up:
        await handler(first, second, attempts=RecordingAttempts())(content_requested())
    assert gave_up.value.reason == "providers_exhausted"


async def test_a_prompt_nobody_accepts_fails_the_piece_without_asking_the_fallback() -> None:
    fallback = ScriptedProvider([made_image()], name="fallback")
    first = ScriptedProvider([ProviderFailure("INVALID_PROMPT", "refused")])
    with pytest.raises(GiveUp) as gave_up:
        await handler(first, fallback, attempts=RecordingAttempts())(content_requested())
    assert gave_up.value.reason == "invalid_prompt"
    assert fallback.calls == 0


async def test_a_call_that_hangs_is_settled_as_unknown_and_tried_again() -> None:
    class HangsOnce(ScriptedProvider):
        async def generate(self, note: NoteCallId) -> MadeImage:
            if self.calls == 0:
                self.calls += 1
                await asyncio.Event().wait()
            return await super().generate(note)

    attempts = RecordingAttempts()
    provider = HangsOnce([made_image()], call_limit_s=0.05)
    await handler(provider, attempts=attempts)(content_requested())
    assert [(each.outcome, each.error_code) for each in attempts.settled] == [
        ("unknown", "TIMEOUT"),
        ("succeeded", None),
    ]


async def test_money_spent_is_recorded_even_when_the_broker_is_away_for_a_while() -> None:
    attempts = RecordingAttempts(settle_failures=5)
    provider = ScriptedProvider([made_image()])
    await handler(provider, attempts=attempts)(content_requested())
    assert provider.calls == 1
    assert [each.outcome for each in attempts.settled] == ["succeeded"]


async def test_insisting_ends_with_the_deadline() -> None:
    attempts = RecordingAttempts(settle_failures=10**6)
    late = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(TryLater):
        await handler(ScriptedProvider([made_image()]), attempts=attempts)(
            content_requested(deadline_at=late)
        )


async def test_an_image_without_the_avatars_weights_is_marked_degraded() -> None:
    bare = made_image()
    without = MadeImage(**{f: getattr(bare, f) for f in bare.__slots__} | {"lora_applied": False})
    generated = await handler(ScriptedProvider([without]), attempts=RecordingAttempts())(
        content_requested()
    )
    assert generated.generation.degraded
