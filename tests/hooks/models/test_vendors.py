"""The vendors' SDKs against servers of ours: what is sent, what is read, what goes wrong."""

import json
import traceback

import pytest
from structlog.testing import capture_logs

from services.hooks.domain.commission import Commission
from services.hooks.domain.failures import CODES, CopyFailure
from services.hooks.domain.prices import Usage
from services.hooks.ports import Answer, CaptionModel
from shared.bounded_client import BoundedClient
from tests.builders import brief
from tests.generator.replicate.vendor_server import HTML, Reply, Trouble
from tests.hooks.fakes import ROOMY
from tests.hooks.models.conftest import Opening
from tests.hooks.models.stub import (
    CANARY,
    SECRET_WORDS,
    TextModels,
    everybody,
    message,
    refused,
    response,
)

PICTURES = {"p1": "reading by a rainy window", "p2": "riding along the beach"}
COMMISSION = Commission(brief(avatar_name="Ada"), ROOMY, 6, PICTURES)
USED = Usage(input=1000, output=2000)


def said(model: CaptionModel, text: str, *, cut: bool = False) -> Reply:
    if model.name == "anthropic":
        return message(text, "max_tokens" if cut else "end_turn")
    reason = {"reason": "max_output_tokens"} if cut else None
    status = "incomplete" if cut else "completed"
    return response(text, status=status, incomplete_details=reason)


def refusal(model: CaptionModel) -> Reply:
    if model.name == "anthropic":
        return message("", "refusal", content=[], stop_details={"type": "refusal"})
    return response("I cannot help with that.", kind="refusal")


async def failure(model: CaptionModel) -> CopyFailure:
    with pytest.raises(CopyFailure) as failed:
        await model.write(COMMISSION)
    return failed.value


async def test_everybodys_captions_and_what_they_took(model: CaptionModel) -> None:
    answer = await model.write(COMMISSION)
    assert [(item.key, len(item.captions)) for item in answer.items] == [("p1", 6), ("p2", 6)]
    assert answer.usage == USED
    assert answer.model in {"claude-haiku-5-5", "gpt-6-luna"}
    assert model.price.of(answer.usage) == 1100


async def test_the_rules_are_ours_the_words_are_data_and_the_form_is_set(
    vendor: TextModels, model: CaptionModel
) -> None:
    await model.write(COMMISSION)
    (asked,) = vendor.asked
    wish = asked.json
    assert asked.headers["authorization"] == f"Bearer {CANARY}"
    assert vendor.documents[0]["pictures"][0] == {"id": "p1", "shows": PICTURES["p1"]}
    if model.name == "anthropic":
        assert asked.path == "/v1/messages"
        rules, form = wish["system"], wish["output_config"]["format"]
        assert wish["thinking"] == {"type": "disabled"}
        assert wish["max_tokens"] == COMMISSION.most_output_tokens
    else:
        assert asked.path == "/v1/responses"
        rules, form = wish["instructions"], wish["text"]["format"]
        assert (form["strict"], wish["store"], wish["reasoning"]) == (
            True,
            False,
            {"effort": "none"},
        )
        assert wish["max_output_tokens"] == COMMISSION.most_output_tokens
    assert rules == COMMISSION.instructions
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False


async def test_a_refusal_has_its_price(vendor: TextModels, model: CaptionModel) -> None:
    vendor.always = refusal(model)
    failed = await failure(model)
    assert (failed.code, failed.outcome, failed.usage) == ("REFUSED", "failed", USED)


async def test_an_answer_that_was_cut_off_has_what_came_before(
    vendor: TextModels, model: CaptionModel
) -> None:
    whole = json.dumps(
        everybody({"pictures": [{"id": k, "shows": v} for k, v in PICTURES.items()]})
    )
    vendor.always = said(model, whole[: whole.index('"p2"') + 30], cut=True)
    answer = await model.write(COMMISSION)
    assert (answer.items[0].key, len(answer.items[0].captions)) == ("p1", 6)
    assert all(len(item.captions) < 2 for item in answer.items[1:])


MALFORMED = {
    "prose": "Sure! Here are some captions.",
    "nothing": "",
    "a list": "[]",
    "another form": '{"captions": []}',
    "HTML": "<html></html>",
    "text around it": '```json\n{"pictures": []}\n```',
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_not_the_form_is_malformed_and_paid(
    vendor: TextModels, model: CaptionModel, what: str
) -> None:
    vendor.always = said(model, MALFORMED[what])
    failed = await failure(model)
    assert (failed.code, failed.outcome, failed.usage) == ("MALFORMED", "failed", USED)


async def test_items_that_are_none_leave_the_others_alone(
    vendor: TextModels, model: CaptionModel
) -> None:
    good = {"id": "p2", "captions": ["one", "two"]}
    odd = [7, {"id": 1, "captions": []}, {"id": "p1"}, {"id": "p1", "captions": [1]}, None]
    vendor.always = said(model, json.dumps({"pictures": [*odd, good]}))
    answer: Answer = await model.write(COMMISSION)
    assert [(item.key, item.captions) for item in answer.items] == [("p2", ("one", "two"))]


TROUBLES: dict[str, tuple[Reply, str, str]] = {
    "429": (refused(429, "rate_limit_error", after="7"), "RATE_LIMITED", "failed"),
    "529": (refused(529, "overloaded_error"), "OVERLOADED", "failed"),
    "503": (refused(503), "OVERLOADED", "failed"),
    "500": (refused(500), "SERVER_ERROR", "failed"),
    "504": (refused(504), "SERVER_ERROR", "unknown"),
    "a bare 500": (Reply(500), "SERVER_ERROR", "failed"),
    "the key": (refused(401, "authentication_error"), "REJECTED", "failed"),
    "the model": (refused(404, "not_found_error"), "REJECTED", "failed"),
    "the request": (refused(400, "invalid_request_error"), "REJECTED", "failed"),
    "no credit": (refused(429, "insufficient_quota"), "REJECTED", "failed"),
    "the spend cap": (
        refused(429, "rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
        "REJECTED",
        "failed",
    ),
    "a filter": (refused(400, "invalid_request_error", code="invalid_prompt"), "REFUSED", "failed"),
    "a redirect": (
        Reply(302, headers={"Location": "http://127.0.0.1:9/v1/messages"}),
        "REJECTED",
        "failed",
    ),
    "a reset": (Reply(trouble="resets"), "CONNECTION", "unknown"),
    "cut off": (Reply(200, b"{" * 99, trouble="is cut"), "CONNECTION", "unknown"),
    "HTML": (HTML, "BAD_RESPONSE", "unknown"),
    "an empty body": (Reply(200), "BAD_RESPONSE", "unknown"),
    "a list": (Reply.of([1]), "BAD_RESPONSE", "unknown"),
    "without usage": (
        Reply.of({"type": "message", "object": "response", "model": "m", "content": []}),
        "BAD_RESPONSE",
        "unknown",
    ),
}


@pytest.mark.parametrize("what", TROUBLES)
async def test_troubles_by_code_once_each_and_never_in_the_vendors_words(
    vendor: TextModels, model: CaptionModel, what: str
) -> None:
    vendor.always, code, outcome = TROUBLES[what]
    with capture_logs() as logs:
        failed = await failure(model)
    assert (failed.code, failed.outcome) == (code, outcome)
    assert code in CODES
    assert len(vendor.asked) == 1
    told = "".join(traceback.format_exception(failed))
    assert "canary" not in f"{failed.detail} {logs} {told}"


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [("7", 7, 7), ("Thu, 01 Jan 2099 00:00:00 GMT", 10**6, 10**11)],
)
async def test_how_long_a_vendor_wants_to_be_left_alone(
    vendor: TextModels, model: CaptionModel, after: str, least: int, most: int
) -> None:
    vendor.always = refused(429, "rate_limit_error", after=after)
    waits = (await failure(model)).retry_after_s
    assert waits is not None
    assert least <= waits <= most


@pytest.mark.parametrize("trouble", ["hangs", "drips"])
@pytest.mark.parametrize("name", ["anthropic", "openai"])
async def test_who_never_comes_to_an_end_is_left_and_may_be_on_the_bill(
    vendor: TextModels, opening: Opening, name: str, trouble: Trouble
) -> None:
    (impatient,) = opening(name, hook_timeout_seconds=1)
    vendor.always = Reply(200, b" " * 999, trouble=trouble)
    failed = await failure(impatient)
    assert (failed.code, failed.outcome) == ("TIMEOUT", "unknown")


@pytest.mark.parametrize("name", ["anthropic", "openai"])
async def test_nobody_there_costs_nothing(opening: Opening, name: str) -> None:
    (absent,) = opening(name, **{f"{name}_base_url": "http://127.0.0.1:9/v1"})
    failed = await failure(absent)
    assert (failed.code, failed.outcome) == ("CONNECTION", "failed")


@pytest.mark.parametrize("status", [200, 500])
async def test_an_endless_answer_is_not_read_to_its_end(
    vendor: TextModels, model: CaptionModel, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(BoundedClient, "most_bytes", 1_000)
    vendor.always = Reply(status, b" " * 2_000)
    failed = await failure(model)
    assert (failed.code, failed.outcome) == ("BAD_RESPONSE", "unknown")


@pytest.mark.parametrize(("what", "ends"), [("the key", "_API_KEY"), ("the model", "_HOOK_MODEL")])
async def test_a_wrong_setting_is_logged_by_its_name(
    vendor: TextModels, model: CaptionModel, what: str, ends: str
) -> None:
    vendor.always = TROUBLES[what][0]
    with capture_logs() as logs:
        await failure(model)
    (setting,) = (entry["setting"] for entry in logs if "setting" in entry)
    assert setting == f"{model.name.upper()}{ends}"


async def test_cached_tokens_cost_what_cached_tokens_cost(
    vendor: TextModels, opening: Opening
) -> None:
    (gpt,) = opening("openai")
    details = {"cached_tokens": 600, "cache_write_tokens": 100}
    usage = {"input_tokens": 1000, "input_tokens_details": details, "output_tokens": 10}
    vendor.always = response('{"pictures": []}', usage=usage)
    used = (await gpt.write(COMMISSION)).usage
    assert used == Usage(input=300, cached_input=600, cache_write=100, output=10)
    assert gpt.price.of(used) == 54  # 30 + 6 + 12.5 + 5, rounded up


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "server_error"}, "SERVER_ERROR"),
        ({"code": "rate_limit_exceeded"}, "RATE_LIMITED"),
        ({"code": "invalid_prompt"}, "REFUSED"),
        (None, "SERVER_ERROR"),
    ],
)
async def test_a_response_that_failed_says_why(
    vendor: TextModels, opening: Opening, error: object, code: str
) -> None:
    (gpt,) = opening("openai")
    vendor.always = response(SECRET_WORDS, status="failed", error=error, usage=None)
    failed = await failure(gpt)
    assert (failed.code, failed.usage) == (code, None)


async def test_the_output_filter_is_a_refusal(vendor: TextModels, opening: Opening) -> None:
    (gpt,) = opening("openai")
    reason = {"reason": "content_filter"}
    vendor.always = response("{", status="incomplete", incomplete_details=reason)
    assert (await failure(gpt)).code == "REFUSED"


async def test_thoughts_are_no_captions(vendor: TextModels, opening: Opening) -> None:
    (claude,) = opening("anthropic")
    text = '{"pictures": [{"id": "p1", "captions": ["one"]}]}'
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": text},
    ]
    vendor.always = message("", content=blocks)
    assert (await claude.write(COMMISSION)).items[0].captions == ("one",)
