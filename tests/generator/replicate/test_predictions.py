"""Predictions as they go well: what is sent, in which order, and what comes of it."""

import pytest
from structlog.testing import capture_logs

from services.generator.adapters.replicate.models import Model
from services.generator.adapters.replicate.provider import ReplicateProvider
from services.generator.ports import ResumableProvider
from shared.content import Brief
from tests.builders import brief, content_requested
from tests.generator.replicate.buying import Buying
from tests.generator.replicate.stub import Replicate
from tests.generator.replicate.tokens import TOKEN, notes_into
from tests.generator.worker_stub import png

VERSION = "0" * 64


async def test_a_prediction_is_submitted_noted_polled_and_fetched(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    noted: list[str] = []
    order = brief(prompt="a harbour", seed=99, width=832, height=1216)
    made = await (await provider.prepare(order))(notes_into(noted))
    assert [kind for kind, _ in vendor.asked] == ["submit", "look", "look", "fetch"]
    assert noted == ["p1"]
    assert vendor.inputs == [
        {
            "prompt": "a harbour",
            "seed": 99,
            "output_format": "png",
            "aspect_ratio": "custom",
            "width": 832,
            "height": 1216,
        }
    ]
    assert made.data == png(832, 1216)
    assert (made.model, made.seed) == ("black-forest-labs/flux-1.1-pro", 99)
    assert (made.lora_applied, made.cost_usd_micros) == (False, 40_000)


async def test_the_id_is_noted_before_anybody_waits(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    looks_when_noted: list[int] = []

    async def note(_: str) -> None:
        looks_when_noted.append(len(vendor.of("look")))

    await (await provider.prepare(brief()))(note)
    assert looks_when_noted == [0]
    assert "prefer" not in vendor.of("submit")[0].headers


async def test_the_vendor_is_told_when_nobody_will_be_waiting_any_more(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    await (await provider.prepare(brief()))(notes_into([]))
    assert vendor.of("submit")[0].headers["cancel-after"] == "10s"


async def test_the_token_goes_to_the_api_and_to_nobody_else(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    with capture_logs() as logs:
        await (await provider.prepare(brief()))(notes_into([]))
    for asked in vendor.of("submit") + vendor.of("look"):
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    (fetched,) = vendor.of("fetch")
    assert "authorization" not in fetched.headers
    assert "canary" not in str(fetched.headers)
    assert "canary" not in str(logs)


@pytest.mark.parametrize(
    ("name", "path", "version"),
    [
        ("a/b", "models/a/b/predictions", None),
        (f"a/b:{VERSION}", "predictions", f"a/b:{VERSION}"),
    ],
)
def test_a_version_is_named_in_the_request_and_an_official_model_in_the_path(
    name: str, path: str, version: str | None
) -> None:
    model = Model(name)
    assert model.path == path
    assert model.request(brief()).get("version") == version


@pytest.mark.parametrize(
    ("order", "shape"),
    [
        (brief(width=1024, height=1024), "1:1"),
        (brief(width=1536, height=864), "16:9"),
        (brief(width=832, height=1216), "2:3"),
    ],
)
def test_models_without_free_sizes_are_asked_for_the_nearest_shape(
    order: Brief, shape: str
) -> None:
    request = Model("black-forest-labs/flux-schnell").request(order)
    assert request["input"]["aspect_ratio"] == shape
    assert "width" not in request["input"]


async def test_a_size_that_it_does_not_make_is_made_of_one_that_it_makes(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    buying = Buying(provider)
    event = content_requested(brief=brief(width=1536, height=1000))
    generated = await buying(event)
    (asked,) = vendor.inputs
    assert (asked["width"], asked["height"]) == (1440, 928)
    assert buying.records == [("replicate", "succeeded", None)]
    assert (generated.generation.width, generated.generation.height) == (1536, 1000)


@pytest.mark.parametrize("listed", [True, False])
async def test_an_image_comes_alone_or_in_a_list(
    vendor: Replicate, provider: ReplicateProvider, listed: bool
) -> None:
    url = f"{vendor.origin}/out/7.png"
    vendor.states = [vendor.succeeded([url, "https://elsewhere"] if listed else url)]
    await (await provider.prepare(brief()))(notes_into([]))
    assert [asked.path for asked in vendor.of("fetch")] == ["/out/7.png"]


async def test_a_call_that_another_process_submitted_is_waited_for_and_not_bought_again(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    assert isinstance(provider, ResumableProvider)
    buying = Buying(provider)
    buying.resumes("before42")
    generated = await buying(content_requested())
    assert vendor.of("submit") == []
    assert [asked.path for asked in vendor.of("look")] == ["/v1/predictions/before42"] * 2
    assert buying.records == [("replicate", "succeeded", None)]
    assert generated.generation.attempt_id == "attempt-before"


async def test_its_image_is_marked_as_one_without_the_avatars_likeness(
    provider: ReplicateProvider,
) -> None:
    generated = await Buying(provider)(content_requested())
    assert not provider.keeps_likeness
    assert (generated.generation.degraded, generated.generation.degraded_reason) == (
        True,
        "no_lora",
    )
