"""Our own engine as a provider: what it is asked, what is told of its images and its refusals."""

import asyncio

import pytest

from services.generator.adapters.sdxl_local.provider import SdxlLocal
from services.generator.domain.failures import CODES, ProviderFailure, RetryPolicy
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import MadeImage
from services.generator.sdxl.wishes import FailureCode, NoPicture, QueueFull
from shared.calls import AttemptAnswer
from shared.content import Brief, Lane
from shared.outcomes import TryLater
from shared.samplers import SamplerName
from tests.builders import brief, content_requested
from tests.eventually import eventually
from tests.fakes import MemoryBlobs
from tests.generator.fakes import FREE, EarlierImages, OpenGate, RecordingAttempts
from tests.generator.sdxl_local.engine import LINK, SHA256, ScriptedEngine, SignedLinks, picture


def provider_of(engine: ScriptedEngine, links: SignedLinks | None = None) -> SdxlLocal:
    price = FREE.of(400)
    return SdxlLocal(
        engine,
        lora_links=links or SignedLinks(),
        timeout_s=60,
        price=price,
        incarnation="this-process",
    )


async def no_note(_: str) -> None:
    """Nobody asks for it later."""


async def made_by(engine: ScriptedEngine, order: Brief | None = None) -> MadeImage:
    return await (await provider_of(engine).prepare(order or brief()))(no_note)


async def refused(engine: ScriptedEngine) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        await made_by(engine)
    return caught.value


async def test_the_engine_is_asked_for_all_that_was_ordered() -> None:
    engine = ScriptedEngine()
    order = brief(negative_prompt="blurry", width=832, height=1216, steps=30, cfg_scale=6.5, seed=9)
    await made_by(engine, order)
    [wish] = engine.wishes
    assert (wish.prompt, wish.negative_prompt) == (order.prompt, "blurry")
    assert (wish.width, wish.height, wish.steps, wish.cfg, wish.seed) == (832, 1216, 30, 6.5, 9)
    assert wish.limit_s == 60
    assert wish.lora is not None
    assert (wish.lora.url, wish.lora.scale) == (LINK, order.lora.scale)


async def test_all_that_makes_the_image_again_is_recorded() -> None:
    made = await made_by(ScriptedEngine())
    assert (made.model, made.seed, made.steps, made.cfg_scale) == ("tiny-sdxl", 7, 28, 5.5)
    assert (made.lora_applied, made.lora_scale, made.cost_usd_micros) == (True, 0.8, 400)
    assert made.made_with is not None
    assert made.made_with.model_dump() == {
        "sampler": "euler",
        "lora_sha256": SHA256,
        "lora_rank": 64,
        "lora_reduced_from": 128,
        "largest_batch": 4,
        "device": "cpu",
        "dtype": "torch.float32",
        "versions": {"torch": "2.13.0", "diffusers": "0.42.1"},
    }


async def test_an_image_without_weights_says_so() -> None:
    made = await made_by(ScriptedEngine([picture(lora=None)]))
    assert (made.lora_applied, made.lora_scale) == (False, 0.0)
    assert made.made_with is not None
    assert made.made_with.lora_sha256 is None


async def test_what_is_recorded_stays_small_whatever_the_engine_says() -> None:
    many = {f"library-{number}": "1" * 500 for number in range(50)}
    made = await made_by(ScriptedEngine([picture(versions=many, device="G" * 500)]))
    assert made.made_with is not None
    assert len(made.made_with.model_dump_json()) < 5_000


@pytest.mark.parametrize("code", FailureCode)
async def test_a_refusal_keeps_its_code_and_counts_as_not_made(code: FailureCode) -> None:
    failure = await refused(ScriptedEngine([NoPicture(code, "why", retry_after_s=3.0)]))
    assert (failure.code, failure.detail, failure.outcome) == (code.value, "why", "failed")
    assert (failure.retry_after_s, failure.cost_usd_micros) == (3.0, 0)
    assert failure.code in CODES


async def test_a_full_queue_means_wait_and_is_no_fault() -> None:
    failure = await refused(ScriptedEngine([QueueFull(12.0)]))
    assert (failure.code, failure.retry_after_s) == ("RATE_LIMITED", 12.0)


async def test_no_refusal_tells_the_link() -> None:
    failed = NoPicture(FailureCode.LORA_DOWNLOAD_FAILED, "HTTP 403")
    failure = await refused(ScriptedEngine([failed]))
    assert "canary" not in f"{failure} {failure.detail} {failure.__cause__!r}"


async def test_who_leaves_takes_the_wish_back() -> None:
    engine = ScriptedEngine(is_stuck=True)
    call = await provider_of(engine).prepare(brief())
    task = asyncio.ensure_future(call(no_note))
    await engine.is_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.taken_back == 1


def test_the_engines_own_limit_comes_before_the_handlers() -> None:
    assert provider_of(ScriptedEngine()).call_limit_s > 60


async def test_the_avatars_scheduler_reaches_the_engine() -> None:
    engine = ScriptedEngine()
    await made_by(engine, brief(scheduler="Euler a"))
    assert engine.wishes[0].sampler is SamplerName.EULER_ANCESTRAL


@pytest.mark.parametrize("name", [None, "DDIM"])
async def test_sdxls_own_sampler_draws_where_none_is_known(name: str | None) -> None:
    engine = ScriptedEngine()
    await made_by(engine, brief(scheduler=name))
    assert engine.wishes[0].sampler is SamplerName.EULER


async def test_a_call_of_a_process_that_is_gone_is_known_to_have_made_nothing() -> None:
    with pytest.raises(ProviderFailure) as gone:
        await provider_of(ScriptedEngine()).resume(brief(), "another-process-1")
    assert (gone.value.outcome, gone.value.cost_usd_micros) == ("failed", 0)


async def test_a_call_that_is_still_under_way_here_is_not_begun_again() -> None:
    engine = ScriptedEngine(is_stuck=True)
    provider, noted = provider_of(engine), list[str]()

    async def note(call_id: str) -> None:
        noted.append(call_id)

    call = asyncio.ensure_future((await provider.prepare(brief()))(note))
    await engine.is_asked.wait()
    with pytest.raises(TryLater):
        await provider.resume(brief(), noted[0])
    call.cancel()
    await asyncio.wait([call])
    with pytest.raises(ProviderFailure):
        await provider.resume(brief(), noted[0])


def handler_of(
    engine: ScriptedEngine, links: SignedLinks, attempts: RecordingAttempts | None = None
) -> GenerateImage:
    provider = provider_of(engine, links)
    route = Route(provider, Limits(8, policy=RetryPolicy(2, 0.001), lease_s=0.003))
    return GenerateImage(
        routing=Routing([route]),
        buy=BuyImage(
            attempts=attempts or RecordingAttempts(),
            staging=MemoryBlobs(),
            gate=OpenGate(),
            resumable={"sdxl_local": provider},
        ),
        substitutes=EarlierImages(),
        outage=Outage(0),
    )


@pytest.mark.parametrize("lane", Lane)
async def test_who_waits_is_in_the_fast_lane_of_the_engine_too(lane: Lane) -> None:
    engine = ScriptedEngine()
    generated = await handler_of(engine, SignedLinks())(content_requested(lane=lane))
    assert engine.wishes[0].lane is lane
    assert generated.generation.made_with is not None


async def test_weights_that_could_not_be_fetched_are_tried_with_a_fresh_link() -> None:
    failed = NoPicture(FailureCode.LORA_DOWNLOAD_FAILED, "HTTP 403")
    links = SignedLinks()
    await handler_of(ScriptedEngine([failed, picture()]), links)(content_requested())
    assert links.fresh == [False, True]


async def test_while_an_image_is_made_the_ledger_hears_that_somebody_is_at_it() -> None:
    engine, attempts = ScriptedEngine(is_stuck=True), RecordingAttempts()
    call = asyncio.ensure_future(handler_of(engine, SignedLinks(), attempts)(content_requested()))
    await eventually(lambda: len(attempts.kept) > 2)
    assert set(attempts.kept) == {"attempt-1"}
    call.cancel()
    await asyncio.wait([call])
    kept = len(attempts.kept)
    await asyncio.sleep(0.01)
    assert len(attempts.kept) == kept


async def test_what_a_dead_process_had_begun_is_closed_as_failed_and_free() -> None:
    dead = AttemptAnswer(
        answer="pending", attempt_id="old", provider="sdxl_local", call_id="another-process-1"
    )
    attempts = RecordingAttempts([dead])
    handle = handler_of(ScriptedEngine(), SignedLinks(), attempts)
    with pytest.raises(TryLater) as again:
        await handle(content_requested())
    assert again.value.after_s == 0
    [settled] = attempts.settled
    assert (settled.attempt_id, settled.outcome, settled.cost_usd_micros) == ("old", "failed", 0)
    assert (await handle(content_requested())).generation.provider == "sdxl_local"
