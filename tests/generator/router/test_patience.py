"""What is waited for, how long, and what happens then."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from services.generator.domain.failures import ProviderFailure
from services.generator.handler.route import Limits
from services.generator.ports import MadeImage, NoteCallId, PreparedCall
from shared.breaker import FAILURES
from shared.calls import AttemptAnswer
from shared.content import Brief, Lane
from shared.outcomes import GiveUp, TryLater
from tests.builders import brief, content_requested
from tests.generator.fakes import RecordingAttempts, ScriptedProvider, made_image
from tests.generator.router.rig import (
    BROKEN,
    EARLIER,
    Router,
    provider,
)


async def test_who_asks_for_patience_is_left_alone_by_everybody() -> None:
    busy = ProviderFailure("RATE_LIMITED", "429", retry_after_s=20)
    router = Router([provider()])
    (route,) = router.routes
    async with route.admitted(first=False) as admission:
        route.failed(admission, busy)
    # Another piece, which knows nothing of the first one's failure.
    await router.handler(content_requested())
    assert router.clock.slept == [20]


async def test_patience_has_an_end() -> None:
    busy = ProviderFailure("RATE_LIMITED", "429", retry_after_s=86_400)
    router = Router([provider(busy), provider(name="second")])
    made = (await router.handler(content_requested())).generation
    assert made.provider == "second"
    assert max(router.clock.slept) <= 60


async def test_a_link_that_did_not_work_is_signed_anew() -> None:
    first = provider(ProviderFailure("LORA_DOWNLOAD_FAILED", "403"), made_image())
    await Router([first]).handler(content_requested())
    assert first.fresh_links == [False, True]


async def closed(router: Router) -> None:
    """Let the only provider fail until its breaker opens."""
    for _ in range(FAILURES):
        with pytest.raises(GiveUp):
            await router.handler(content_requested(lane=Lane.BULK))


async def test_pieces_of_a_batch_wait_out_an_outage_and_then_fail() -> None:
    router = Router([provider(BROKEN)], patience_s=100)
    await closed(router)
    with pytest.raises(TryLater) as later:
        await router.handler(content_requested())
    assert later.value.after_s is not None
    assert 0 < later.value.after_s <= 15
    # The probes fail as well.
    router.clock.at += 50
    with pytest.raises(TryLater):
        await router.handler(content_requested())
    router.clock.at += 51
    router.routes[0].breaker.admit()
    with pytest.raises(GiveUp) as gave_up:
        await router.handler(content_requested())
    assert gave_up.value.reason == "providers_unavailable"


async def test_a_caller_who_waits_hears_of_an_outage_at_once() -> None:
    router = Router([provider(BROKEN)])
    await closed(router)
    with pytest.raises(GiveUp) as gave_up:
        await router.handler(content_requested(lane=Lane.INTERACTIVE))
    assert gave_up.value.reason == "providers_unavailable"


async def test_nobody_waits_until_it_is_too_late_for_an_earlier_image() -> None:
    router = Router([provider(BROKEN)])
    await closed(router)
    router.earlier.earlier = EARLIER
    soon = datetime.now(UTC) + timedelta(seconds=20)
    made = (await router.handler(content_requested(deadline_at=soon))).generation
    assert made.source == "cached"


@pytest.mark.parametrize("reason", ["capacity", "unread"])
async def test_what_will_not_last_is_waited_for_and_no_fallback_is_asked(reason: str) -> None:
    wait = AttemptAnswer(answer="wait", reason=reason, after_s=2.0)
    second = provider(name="second")
    router = Router([provider(), second], attempts=RecordingAttempts([wait] * 3))
    made = (await router.handler(content_requested())).generation
    assert (made.provider, second.calls) == ("first", 0)
    assert len(router.clock.slept) == 3
    assert sum(router.clock.slept) < 0.4


async def test_a_piece_that_waited_long_for_room_goes_back_to_the_queue() -> None:
    full = AttemptAnswer(answer="wait", reason="capacity", after_s=2.0)
    router = Router([provider()], attempts=RecordingAttempts([full] * 100))
    with pytest.raises(TryLater) as later:
        await router.handler(content_requested())
    assert later.value.after_s == 2.0
    assert 10 <= sum(router.clock.slept) <= 12


async def test_a_call_in_other_hands_is_not_waited_for_here() -> None:
    elsewhere = AttemptAnswer(answer="wait", after_s=2.0)
    router = Router([provider()], attempts=RecordingAttempts([elsewhere]))
    with pytest.raises(TryLater):
        await router.handler(content_requested())
    assert router.clock.slept == []


async def test_callers_who_wait_go_before_batches_at_the_same_provider() -> None:
    order: list[str] = []
    begun, gate = asyncio.Event(), asyncio.Event()

    @dataclass
    class Gated(ScriptedProvider):
        async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
            async def call(_: NoteCallId) -> MadeImage:
                order.append(brief.prompt)
                begun.set()
                await gate.wait()
                return made_image()

            return call

    router = Router([Gated([made_image()])], limits=Limits(1))
    tasks = [
        asyncio.create_task(
            router.handler(content_requested(lane=lane, brief=brief(prompt=prompt)))
        )
        for prompt, lane in (("a", Lane.BULK), ("b", Lane.BULK), ("c", Lane.INTERACTIVE))
    ]
    await begun.wait()
    gate.set()
    await asyncio.gather(*tasks)
    assert order == ["a", "c", "b"]
