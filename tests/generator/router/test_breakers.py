"""An outage of a provider: who is still called, and how often."""

import asyncio

import pytest

from services.generator.domain.failures import ProviderFailure, RetryPolicy
from services.generator.handler.route import Limits
from services.generator.ports import MadeImage, NoteCallId
from shared.breaker import FAILURES, PAUSE_S
from shared.outcomes import GiveUp
from tests.builders import content_requested
from tests.eventually import PATIENCE_S
from tests.generator.fakes import ScriptedProvider, made_image
from tests.generator.router.rig import (
    BROKEN,
    Router,
    provider,
)


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
