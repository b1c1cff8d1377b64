"""Who makes the image, and what the piece gets where the first one cannot."""

from dataclasses import replace

import pytest

from services.generator.domain.failures import ProviderFailure
from services.generator.domain.strategy import Strategy
from services.generator.domain.track import Measured
from services.generator.handler.route import Limits
from services.generator.ports import Substitute
from shared.outcomes import GiveUp
from tests.builders import blob, brief, content_requested, generation
from tests.generator.fakes import EarlierImages, OpenGate
from tests.generator.router.rig import BROKEN, EARLIER, FACELESS, Router, faceless, provider


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


async def test_cheapest_first_is_asked_first() -> None:
    dear, cheap = provider(name="dear"), provider(name="cheap")
    dear.price = replace(dear.price, per_image_usd_micros=40_000)
    router = Router([dear, cheap], strategy=Strategy.COST_OPTIMIZED)
    made = (await router.handler(content_requested())).generation
    assert (made.provider, made.level) == ("cheap", 1)


async def test_one_after_which_nobody_shall_be_asked_is_the_last() -> None:
    second = provider(name="second")
    router = Router([provider(BROKEN), second], limits=Limits(1, is_last=True))
    with pytest.raises(GiveUp, match="GENERATION_FAILED"):
        await router.handler(content_requested())
    assert second.calls == 0
