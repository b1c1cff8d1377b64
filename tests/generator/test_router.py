"""The router: who is asked, how often, what a piece gets in the end, and what is on record."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from services.generator.domain.failures import ProviderFailure, RetryPolicy
from services.generator.domain.strategy import Strategy
from services.generator.domain.track import Measured
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import ImageGate, MadeImage, NoteCallId, PreparedCall, Substitute
from shared.breaker import FAILURES, PAUSE_S
from shared.calls import AttemptAnswer
from shared.content import Brief, Lane
from shared.outcomes import GiveUp, TryLater
from tests.builders import blob, brief, content_requested, generation
from tests.eventually import PATIENCE_S
from tests.fakes import MemoryBlobs
from tests.generator.fakes import (
    EarlierImages,
    OpenGate,
    RecordingAttempts,
    ScriptedProvider,
    made_image,
)

BROKEN = ProviderFailure("GENERATION_FAILED", "broken")
FACELESS = replace(made_image(), lora_applied=False)


class Clock:
    """Goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


EARLIER = Substitute("piece-before", blob(), generation(provider="modal_sdxl_lora"))


@dataclass
class Router:
    """A router over scripted providers, with everything that a test may look at."""

    providers: Sequence[ScriptedProvider]
    attempts: RecordingAttempts = field(default_factory=RecordingAttempts)
    staging: MemoryBlobs = field(default_factory=MemoryBlobs)
    gate: ImageGate = field(default_factory=OpenGate)
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(
        default_factory=lambda: Limits(concurrency=4, policy=RetryPolicy(max_retries=3))
    )
    earlier: EarlierImages = field(default_factory=EarlierImages)
    allows_earlier: bool = True
    patience_s: float = 120.0
    strategy: Strategy = Strategy.ORDERED
    allows_degraded: bool = True

    def __post_init__(self) -> None:
        self.routes = [Route(one, self.limits, clock=self.clock) for one in self.providers]
        self.handler = GenerateImage(
            routing=Routing(self.routes, self.strategy, allows_degraded=self.allows_degraded),
            buy=BuyImage(
                self.attempts,
                self.staging,
                self.gate,
                resumable={one.name: one for one in self.providers if isinstance(one, Submitted)},
                sleep=self.clock.sleep,
            ),
            substitutes=self.earlier,
            outage=Outage(self.patience_s, clock=self.clock),
            allows_earlier=self.allows_earlier,
            sleep=self.clock.sleep,
        )

    @property
    def record(self) -> list[tuple[str, str, str | None]]:
        """Provider, outcome and code of every call, in order."""
        return [(one.provider, one.outcome, one.error_code) for one in self.attempts.settled]


def provider(*script: MadeImage | ProviderFailure, name: str = "first") -> ScriptedProvider:
    return ScriptedProvider(list(script) or [made_image()], name=name)


def faceless(name: str = "faceless") -> ScriptedProvider:
    return ScriptedProvider([FACELESS], name=name, keeps_likeness=False)


async def test_the_next_provider_makes_it_and_the_level_says_so() -> None:
    router = Router([provider(BROKEN), provider(name="second")])
    made = (await router.handler(content_requested())).generation
    assert (made.provider, made.level, made.degraded, made.source) == (
        "second",
        2,
        False,
        "generated",
    )
    assert router.record == [
        ("first", "failed", "GENERATION_FAILED"),
        ("second", "succeeded", None),
    ]


async def test_what_the_first_one_makes_is_level_one() -> None:
    made = (await Router([provider()]).handler(content_requested())).generation
    assert (made.level, made.degraded_reason) == (1, None)


async def test_a_fallback_that_loses_the_likeness_says_so() -> None:
    router = Router([provider(BROKEN), faceless()])
    made = (await router.handler(content_requested())).generation
    assert (made.degraded, made.degraded_reason, made.level) == (True, "no_lora", 2)


@pytest.mark.parametrize("by_order", [True, False])
async def test_who_refuses_less_gets_nothing_less(by_order: bool) -> None:
    fallback, earlier = faceless(), EarlierImages(EARLIER)
    router = Router([provider(BROKEN), fallback], earlier=earlier, allows_degraded=by_order)
    order = content_requested(brief=brief(allow_degraded=not by_order))
    with pytest.raises(GiveUp) as gave_up:
        await router.handler(order)
    assert gave_up.value.reason == "providers_exhausted"
    assert fallback.calls == 0


async def test_an_installation_may_do_without_earlier_images() -> None:
    earlier = EarlierImages(EARLIER)
    router = Router([provider(BROKEN)], earlier=earlier, allows_earlier=False)
    with pytest.raises(GiveUp):
        await router.handler(content_requested())


async def test_what_was_bought_for_the_piece_itself_is_used_whatever_is_refused() -> None:
    own = Substitute(None, blob(), generation(attempt_id="before"))
    earlier = EarlierImages(EARLIER, own=own)
    router = Router([provider(BROKEN)], earlier=earlier, allows_earlier=False)
    made = (await router.handler(content_requested(brief=brief(allow_degraded=False)))).generation
    assert (made.attempt_id, made.source, made.degraded) == ("before", "generated", False)


async def test_a_worker_that_forgot_the_weights_is_no_answer_where_likeness_is_wanted() -> None:
    router = Router([provider(FACELESS), provider(name="second")])
    order = content_requested(brief=brief(allow_degraded=False))
    made = (await router.handler(order)).generation
    assert (made.provider, made.lora_applied) == ("second", True)
    assert router.record[0] == ("first", "failed", "LORA_NOT_APPLIED")
    assert router.attempts.settled[0].cost_usd_micros == 10_000


async def test_an_image_of_no_use_counts_against_the_provider_and_is_paid() -> None:
    gate = OpenGate(ProviderFailure("BAD_RESPONSE", "all black"))
    router = Router([provider()], gate=gate)
    with pytest.raises(GiveUp, match="all black"):
        await router.handler(content_requested())
    (settled,) = router.attempts.settled
    assert (settled.outcome, settled.error_code, settled.cost_usd_micros) == (
        "failed",
        "BAD_RESPONSE",
        10_000,
    )
    assert settled.image is None
    assert router.routes[0].track.measured == Measured(1, 0.0, None)


async def test_when_all_failed_an_earlier_image_stands_in_and_costs_nothing() -> None:
    earlier = EarlierImages(EARLIER)
    router = Router([provider(BROKEN)], earlier=earlier)
    event = content_requested()
    generated = await router.handler(event)
    made = generated.generation
    assert (made.source, made.level, made.degraded, made.degraded_reason) == (
        "cached",
        3,
        True,
        "cached",
    )
    assert (made.cost_usd_micros, made.attempt_id, made.cached_from) == (0, "", "piece-before")
    assert generated.image == EARLIER.image
    assert earlier.asked == [event.piece_id]


async def test_without_an_earlier_image_the_piece_fails_with_what_was_last_heard() -> None:
    router = Router([provider(BROKEN)], earlier=EarlierImages())
    with pytest.raises(GiveUp) as gave_up:
        await router.handler(content_requested())
    assert gave_up.value.reason == "providers_exhausted"
    assert "GENERATION_FAILED" in gave_up.value.detail


async def test_five_failures_in_a_row_close_the_way_and_nobody_knocks() -> None:
    first = provider(BROKEN)
    router = Router([first, provider(name="second")])
    for _ in range(FAILURES + 5):
        await router.handler(content_requested())
    assert first.calls == FAILURES


async def test_after_the_pause_one_probe_goes_and_a_success_opens_the_way() -> None:
    script: list[MadeImage | ProviderFailure] = [BROKEN] * FAILURES
    first = provider(*script, made_image())
    router = Router([first, provider(name="second")])
    for _ in range(FAILURES):
        await router.handler(content_requested())
    router.clock.at += PAUSE_S
    made = [(await router.handler(content_requested())).generation.provider for _ in range(3)]
    assert made == ["first"] * 3


class Slow(ScriptedProvider):
    """Takes its time, so that others have to wait."""

    async def generate(self, note: NoteCallId) -> MadeImage:
        for _ in range(3):
            await asyncio.sleep(0)
        return await super().generate(note)


async def test_of_many_that_wait_for_a_slot_none_goes_once_the_breaker_is_open() -> None:
    first = Slow([BROKEN], name="first")
    router = Router([first, provider(name="second")], limits=Limits(1))
    made = await asyncio.gather(*(router.handler(content_requested()) for _ in range(40)))
    assert first.calls == FAILURES
    assert {one.generation.provider for one in made} == {"second"}


async def test_nobody_queues_for_a_provider_that_may_not_be_called() -> None:
    router = Router([provider(BROKEN), provider(name="second")], limits=Limits(1))
    for _ in range(FAILURES):
        await router.handler(content_requested())
    (first, _) = router.routes
    async with first.slots.taken(first=False):
        made = await asyncio.wait_for(router.handler(content_requested()), PATIENCE_S)
    assert made.generation.provider == "second"


@pytest.mark.parametrize(
    ("code", "closes"),
    [
        ("RATE_LIMITED", False),
        ("REFUSED", False),
        ("LORA_DOWNLOAD_FAILED", False),
        ("INVALID_PROMPT", False),
        ("BAD_RESPONSE", True),
        ("SERVER_ERROR", True),
        ("TIMEOUT", True),
        ("CONNECTION", True),
        ("CUDA_OOM", True),
    ],
)
async def test_only_the_providers_own_failures_close_the_way(code: str, closes: bool) -> None:
    first = provider(ProviderFailure(code, "no"))
    router = Router([first], limits=Limits(1, policy=RetryPolicy(max_retries=0)))
    for _ in range(FAILURES):
        with pytest.raises(GiveUp):
            await router.handler(content_requested())
    assert (router.routes[0].breaker.wait_s > 0) is closes


async def test_an_outage_does_not_multiply_the_load() -> None:
    first = provider(ProviderFailure("SERVER_ERROR", "503"))
    router = Router([first, provider(name="second")])
    for _ in range(100):
        await router.handler(content_requested())
        router.clock.at += 1.0
    # Five calls close the way; then one probe a minute. Waits between retries pass time, too.
    assert first.calls <= FAILURES + 1 + router.clock.at / PAUSE_S


async def test_retries_are_a_share_of_the_calls() -> None:
    slow = ProviderFailure("TIMEOUT", "slow")
    script: list[MadeImage | ProviderFailure] = [slow, slow, made_image()]
    first = provider(*script * 200)
    router = Router([first, provider(name="second")])
    for _ in range(150):
        await router.handler(content_requested())
    assert first.calls <= 150 * 1.2 + 10


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


async def test_one_after_which_nobody_shall_be_asked_is_the_last() -> None:
    second = provider(name="second")
    router = Router([provider(BROKEN), second], limits=Limits(1, is_last=True))
    with pytest.raises(GiveUp, match="GENERATION_FAILED"):
        await router.handler(content_requested())
    assert second.calls == 0


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


async def test_cheapest_first_is_asked_first() -> None:
    dear, cheap = provider(name="dear"), provider(name="cheap")
    dear.price = replace(dear.price, per_image_usd_micros=40_000)
    router = Router([dear, cheap], strategy=Strategy.COST_OPTIMIZED)
    made = (await router.handler(content_requested())).generation
    assert (made.provider, made.level) == ("cheap", 1)


@dataclass
class Submitted(ScriptedProvider):
    """A vendor whose calls are submitted; `results` are by call id."""

    results: dict[str, MadeImage | ProviderFailure] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        return self.submit

    async def submit(self, note: NoteCallId) -> MadeImage:
        self.log.append("submitted")
        await note("call-1")
        self.log.append("waiting")
        return await self.generate(note)

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        self.log.append(f"resumed {call_id}")
        result = self.results[call_id]
        if isinstance(result, ProviderFailure):
            raise result
        return result


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
