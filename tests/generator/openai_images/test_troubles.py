"""What goes wrong with OpenAI's images: the codes, what is recorded, what is done about it."""

import traceback

import pytest
from structlog.testing import capture_logs

from services.generator.adapters.openai_images.client import BoundedClient
from services.generator.adapters.openai_images.provider import OpenAIImagesProvider
from services.generator.domain.failures import ProviderFailure
from tests.builders import brief, content_requested
from tests.generator.openai_images.conftest import Opening
from tests.generator.openai_images.stub import USAGE, Images, made, refused
from tests.generator.replicate.buying import Buying
from tests.generator.replicate.test_outputs import BAD_IMAGES
from tests.generator.replicate.vendor_server import HTML, Reply, Trouble

NAME = "openai_images"
SPARE = ("spare", "succeeded", None)
WELL = (NAME, "succeeded", None)
USER_ERROR = "image_generation_user_error"


async def failure(provider: OpenAIImagesProvider) -> ProviderFailure:
    async def no_note(_: str) -> None:
        raise AssertionError

    with pytest.raises(ProviderFailure) as failed:
        await (await provider.prepare(brief()))(no_note)
    return failed.value


REFUSALS = {
    "the key": refused(401, "invalid_api_key", "invalid_request_error"),
    "the project": refused(403, None),
    "the model": refused(404, "model_not_found"),
    "the input": refused(400, "invalid_value", "invalid_request_error"),
    "a user error": refused(400, "something_else", USER_ERROR),
    "quota": refused(429, "insufficient_quota", "insufficient_quota"),
    "quota, by its type": refused(429, None, "insufficient_quota"),
    "the limit": refused(400, "billing_hard_limit_reached", "billing_limit_user_error"),
    "the filter": refused(400, "moderation_blocked", USER_ERROR),
    "the older filter": refused(400, "content_policy_violation"),
    "no JSON": Reply(400, b"<html>no</html>", content_type="text/html"),
    "redirect": Reply(302, headers={"Location": "http://127.0.0.1:9/v1/images/generations"}),
}


CODES = {
    "the key": "UNAUTHORIZED",
    "the project": "UNAUTHORIZED",
    "quota": "NO_CREDIT",
    "quota, by its type": "NO_CREDIT",
    "the limit": "NO_CREDIT",
    "the filter": "CONTENT_FILTERED",
    "the older filter": "CONTENT_FILTERED",
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_what_is_refused_goes_to_the_next_provider_at_once(
    vendor: Images, provider: OpenAIImagesProvider, what: str
) -> None:
    vendor.always = REFUSALS[what]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [(NAME, "failed", CODES.get(what, "REFUSED")), SPARE]
    assert len(vendor.asked) == 1


async def test_the_filters_stage_and_categories_are_told(
    vendor: Images, provider: OpenAIImagesProvider
) -> None:
    said = {"moderation_stage": "input", "categories": ["sexual", "<b>canary</b>"]}
    vendor.always = refused(400, "moderation_blocked", USER_ERROR, moderation_details=said)
    failed = await failure(provider)
    assert failed.detail == "content filter input sexual"


async def test_what_was_filtered_after_it_was_made_may_be_on_the_bill(
    vendor: Images, provider: OpenAIImagesProvider
) -> None:
    said = {"moderation_stage": "output", "categories": ["sexual"]}
    vendor.always = refused(400, "moderation_blocked", USER_ERROR, moderation_details=said)
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [(NAME, "unknown", "CONTENT_FILTERED"), SPARE]


@pytest.mark.parametrize("details", ["text", [], {"categories": "all", "moderation_stage": 7}])
async def test_odd_details_of_the_filter_change_nothing(
    vendor: Images, provider: OpenAIImagesProvider, details: object
) -> None:
    vendor.always = refused(400, "moderation_blocked", USER_ERROR, moderation_details=details)
    failed = await failure(provider)
    found = (failed.code, failed.outcome, failed.detail)
    assert found == ("CONTENT_FILTERED", "failed", "content filter")


PASSING: dict[str, tuple[Reply, str, str]] = {
    "500": (Reply(500), "failed", "SERVER_ERROR"),
    "503": (refused(503, "server_error"), "failed", "SERVER_ERROR"),
    "504": (Reply(504), "unknown", "SERVER_ERROR"),
    "429": (refused(429, "rate_limit_exceeded", "requests"), "failed", "RATE_LIMITED"),
    "a reset": (Reply(trouble="resets"), "unknown", "CONNECTION"),
    "cut off": (Reply(200, b"{" * 99, trouble="is cut"), "unknown", "CONNECTION"),
}


@pytest.mark.parametrize("what", PASSING)
async def test_what_passes_is_tried_again_by_us_and_not_by_the_sdk(
    vendor: Images, provider: OpenAIImagesProvider, what: str
) -> None:
    reply, outcome, code = PASSING[what]
    vendor.faults = [reply]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [(NAME, outcome, code), WELL]
    assert 2.0 <= buying.slept[0] <= 2.5
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(
    ("after", "least"), [("7", 7.0), ("Thu, 01 Jan 2099 00:00:00 GMT", 10.0**6)]
)
async def test_too_many_requests_are_waited_out_as_long_as_the_vendor_says(
    vendor: Images, provider: OpenAIImagesProvider, after: str, least: float
) -> None:
    vendor.always = Reply(429, headers={"Retry-After": after})
    waits = (await failure(provider)).retry_after_s
    assert waits is not None
    assert waits >= least


async def test_nobody_there_costs_nothing(opening: Opening) -> None:
    failed = await failure(await opening(openai_base_url="http://127.0.0.1:9/v1"))
    assert (failed.code, failed.outcome) == ("CONNECTION", "failed")


@pytest.mark.parametrize("trouble", ["hangs", "drips"])
async def test_who_never_comes_to_an_end_is_left_and_may_be_on_the_bill(
    vendor: Images, impatient: OpenAIImagesProvider, trouble: Trouble
) -> None:
    vendor.always = Reply(200, b" " * 999, trouble=trouble)
    buying = Buying(impatient)
    await buying(content_requested())
    assert buying.records == [(NAME, "unknown", "TIMEOUT")] * 2 + [SPARE]


UNREADABLE = {"HTML": HTML, "nothing": Reply(200), "a list": Reply.of([1])}
EMPTY = {
    "no data": Reply.of({"created": 1, "usage": USAGE}),
    "no image": Reply.of({"data": [], "usage": USAGE}),
    "an address": Reply.of({"data": [{"url": "http://127.0.0.1:9/x.png"}], "usage": USAGE}),
    "bad base64": Reply.of({"data": [{"b64_json": "%%%"}], "usage": USAGE}),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_a_success_that_cannot_be_read_may_be_on_the_bill(
    vendor: Images, provider: OpenAIImagesProvider, what: str
) -> None:
    vendor.always = UNREADABLE[what]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [(NAME, "unknown", "BAD_RESPONSE"), SPARE]


@pytest.mark.parametrize("what", EMPTY)
async def test_a_success_without_an_image_costs_what_it_used(
    vendor: Images, provider: OpenAIImagesProvider, what: str
) -> None:
    vendor.always = EMPTY[what]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [(NAME, "failed", "BAD_RESPONSE"), SPARE]
    assert buying.attempts.settled[0].cost_usd_micros == 13_320


@pytest.mark.parametrize("what", BAD_IMAGES)
async def test_what_is_no_image_of_the_order_is_paid_recorded_and_asked_of_the_next(
    vendor: Images, provider: OpenAIImagesProvider, what: str
) -> None:
    vendor.always = made(BAD_IMAGES[what] or b"-", USAGE)
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [(NAME, "failed", "BAD_RESPONSE"), SPARE]
    assert buying.attempts.settled[0].cost_usd_micros == 13_320


@pytest.mark.parametrize("status", [200, 500])
async def test_an_endless_answer_is_not_read_to_its_end(
    vendor: Images,
    provider: OpenAIImagesProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    monkeypatch.setattr(BoundedClient, "most_bytes", 1_000)
    vendor.always = Reply(status, b" " * 2_000)
    failed = await failure(provider)
    assert (failed.code, failed.outcome) == ("BAD_RESPONSE", "unknown")


@pytest.mark.parametrize("what", [*REFUSALS, *PASSING])
async def test_no_failure_and_no_log_repeats_what_the_vendor_says(
    vendor: Images, provider: OpenAIImagesProvider, what: str
) -> None:
    vendor.always = REFUSALS[what] if what in REFUSALS else PASSING[what][0]
    with capture_logs() as logs:
        failed = await failure(provider)
    told = "".join(traceback.format_exception(failed))
    assert "canary" not in f"{failed.detail} {logs} {told}"


@pytest.mark.parametrize(
    ("what", "setting"),
    [("the key", "OPENAI_API_KEY"), ("the model", "OPENAI_IMAGE_MODEL")],
)
async def test_a_wrong_setting_is_logged_by_its_name(
    vendor: Images, provider: OpenAIImagesProvider, what: str, setting: str
) -> None:
    vendor.always = REFUSALS[what]
    with capture_logs() as logs:
        await failure(provider)
    assert [entry["setting"] for entry in logs if "setting" in entry] == [setting]
