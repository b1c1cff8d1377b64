"""OpenAI's images as they go well: what is asked for, what comes of it, what it costs."""

import base64

import pytest
from structlog.testing import capture_logs

from services.generator.adapters.openai_images.provider import OpenAIImagesProvider, Reference
from services.generator.ports import MadeImage, ResumableProvider
from shared.content import Brief
from tests.builders import brief, content_requested
from tests.generator.openai_images.conftest import KEY, Opening
from tests.generator.openai_images.stub import USAGE, Images
from tests.generator.replicate.buying import Buying
from tests.generator.replicate.vendor_server import Reply
from tests.generator.worker_stub import png


async def no_note(_: str) -> None:
    raise AssertionError("a call that is not submitted has no id")


async def generated(provider: OpenAIImagesProvider, order: Brief) -> MadeImage:
    return await (await provider.prepare(order))(no_note)


async def test_the_image_is_asked_for_as_the_brief_says(
    vendor: Images, provider: OpenAIImagesProvider
) -> None:
    order = brief(prompt="a harbour", width=1024, height=1536)
    made = await generated(provider, order)
    (asked,), (wish,) = vendor.asked, vendor.wishes
    assert (asked.method, asked.path) == ("POST", "/v1/images/generations")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert wish == {
        "model": "gpt-image-2.5-flare",
        "prompt": "a harbour",
        "n": 1,
        "size": "1024x1536",
        "quality": "medium",
        "output_format": "png",
        "background": "opaque",
        "moderation": "auto",
    }
    assert made.data == png(1024, 1536)
    assert (made.model, made.lora_applied) == ("gpt-image-2.5-flare", False)


async def test_an_edit_shows_the_reference(vendor: Images, provider: OpenAIImagesProvider) -> None:
    reference = Reference(b"\x89PNG her face", "image/png")
    call = await provider.prepare_edit(brief(prompt="four views of her"), reference)
    made = await call(no_note)
    (asked,), (wish,) = vendor.asked, vendor.wishes
    assert asked.path == "/v1/images/edits"
    assert wish.pop("image") == ("reference.png", "image/png", b"\x89PNG her face")
    assert wish == {
        "model": "gpt-image-2.5-flare",
        "prompt": "four views of her",
        "n": "1",
        "size": "1024x1024",
        "quality": "medium",
        "output_format": "png",
        "background": "opaque",
    }
    assert made.data == png(1024, 1024)


async def test_an_edit_by_an_older_model_asks_for_the_face_to_be_kept(
    vendor: Images, opening: Opening
) -> None:
    provider = await opening(openai_image_model="gpt-image-1.5")
    await (await provider.prepare_edit(brief(), Reference(b"face", "image/webp")))(no_note)
    (wish,) = vendor.wishes
    assert wish["input_fidelity"] == "high"
    assert wish["image"][:2] == ("reference.webp", "image/webp")


async def test_it_is_bought_once_and_marked_as_one_without_the_avatars_likeness(
    vendor: Images, provider: OpenAIImagesProvider
) -> None:
    buying = Buying(provider)
    fact = await buying(content_requested())
    assert buying.records == [("openai_images", "succeeded", None)]
    assert fact.generation.degraded_reason == "no_lora"
    assert not isinstance(provider, ResumableProvider)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("model", "ordered", "asked"),
    [
        ("gpt-image-2.5-flare", (512, 512), "816x816"),
        ("gpt-image-2.5-flare", (1000, 1000), "1008x1008"),
        ("gpt-image-2.5-flare", (1536, 512), "1536x512"),
        ("gpt-image-1.5", (832, 1216), "1024x1536"),
        ("gpt-image-1.5", (1536, 864), "1536x1024"),
        ("gpt-image-1-mini", (512, 512), "1024x1024"),
    ],
)
async def test_a_size_that_it_does_not_make_is_made_of_one_that_it_makes(
    vendor: Images, opening: Opening, model: str, ordered: tuple[int, int], asked: str
) -> None:
    buying = Buying(await opening(openai_image_model=model))
    width, height = ordered
    fact = await buying(content_requested(brief=brief(width=width, height=height)))
    assert vendor.wishes[0]["size"] == asked
    assert buying.records == [("openai_images", "succeeded", None)]
    assert (fact.generation.width, fact.generation.height) == ordered


async def test_a_shape_that_it_cannot_make_is_not_paid_for(
    vendor: Images, opening: Opening
) -> None:
    buying = Buying(await opening(openai_image_model="gpt-image-1.5"))
    await buying(content_requested(brief=brief(width=1536, height=512)))
    assert buying.records[0] == ("openai_images", "failed", "REFUSED")
    assert vendor.asked == []


TOLD_APART = {"output_tokens_details": {"text_tokens": 100, "image_tokens": 339}}
COSTS = {
    # 30 tokens of text at $5 a million and 439 of an image at $30: 150 + 13 170.
    "as told": (USAGE, "gpt-image-2.5-flare", 13_320),
    "a reference": (
        USAGE | {"input_tokens_details": {"text_tokens": 30, "image_tokens": 1000}},
        "gpt-image-2.5-flare",
        21_320,
    ),
    # 100 of text at $10, 339 of an image at $32, and the 150 of the prompt.
    "told apart": (USAGE | TOLD_APART, "gpt-image-1.5", 11_998),
    "of a kind without a price": (USAGE | TOLD_APART, "gpt-image-2.5-flare", 13_170),
    "nothing": (None, "gpt-image-2.5-flare", 13_170),
    "nonsense": ({"output_tokens": -3}, "gpt-image-2.5-flare", 13_170),
    "words": ("many", "gpt-image-1.5", 34_000),
}


@pytest.mark.parametrize("told", COSTS)
async def test_it_costs_what_the_tokens_cost_or_else_what_the_size_does(
    vendor: Images, opening: Opening, told: str
) -> None:
    usage, model, cost = COSTS[told]
    vendor.usage = usage
    provider = await opening(openai_image_model=model)
    assert (await generated(provider, brief())).cost_usd_micros == cost


async def test_an_image_of_no_use_is_paid_by_its_tokens(
    vendor: Images, provider: OpenAIImagesProvider
) -> None:
    vendor.image = b"<html>busy</html>"
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records[0] == ("openai_images", "failed", "BAD_RESPONSE")
    assert buying.attempts.settled[0].cost_usd_micros == 13_320


async def test_nothing_that_is_logged_tells_the_key_or_the_image(
    vendor: Images, provider: OpenAIImagesProvider
) -> None:
    vendor.faults = [Reply(500)]
    with capture_logs() as logs:
        await Buying(provider)(content_requested())
    assert "canary" not in str(logs)
    assert base64.b64encode(png(1024, 1024)).decode()[:40] not in str(logs)
