"""What goes wrong with predictions: the codes, what is recorded, and what is done about it."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.generator.adapters.replicate.failures import failure_of, throttled_s
from services.generator.adapters.replicate.provider import ReplicateProvider
from services.generator.domain.failures import Blame, ProviderFailure, blame_for
from shared.outcomes import TryLater
from tests.builders import brief, content_requested
from tests.eventually import eventually
from tests.generator.replicate.buying import Buying
from tests.generator.replicate.conftest import Opening
from tests.generator.replicate.stub import Kind, Replicate
from tests.generator.replicate.tokens import TOKEN, notes_into
from tests.generator.replicate.vendor_server import HTML, Reply, Trouble

SPARE = ("spare", "succeeded", None)
WELL = ("replicate", "succeeded", None)


def replicate(outcome: str, code: str) -> tuple[str, str, str]:
    return ("replicate", outcome, code)


async def failure(provider: ReplicateProvider) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as failed:
        await (await provider.prepare(brief()))(notes_into([]))
    return failed.value


REFUSALS = {
    "no such token": (Reply.of({"title": "Unauthenticated"}, 401), "UNAUTHORIZED"),
    "no money": (Reply.of({"title": "Insufficient credit"}, 402), "NO_CREDIT"),
    "no such model": (Reply.of({}, 404), "REFUSED"),
    "input": (Reply.of({"invalid_fields": []}, 422), "REFUSED"),
    "redirect": (Reply(302, headers={"Location": "http://127.0.0.1:9/"}), "REFUSED"),
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_a_refused_submission_goes_to_the_next_provider_at_once(
    vendor: Replicate, provider: ReplicateProvider, what: str
) -> None:
    reply, code = REFUSALS[what]
    vendor.always["submit"] = reply
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("failed", code), SPARE]
    assert len(vendor.of("submit")) == 1


PASSING = {
    "500": (Reply(500), replicate("failed", "SERVER_ERROR")),
    "503": (Reply(503), replicate("failed", "SERVER_ERROR")),
    "504": (Reply(504), replicate("unknown", "SERVER_ERROR")),
    "429": (Reply(429), replicate("failed", "RATE_LIMITED")),
    "a reset": (Reply(trouble="resets"), replicate("unknown", "CONNECTION")),
    "cut off": (Reply(201, b"{" * 99, trouble="is cut"), replicate("unknown", "CONNECTION")),
}


@pytest.mark.parametrize("what", PASSING)
async def test_what_passes_is_tried_again_after_two_seconds(
    vendor: Replicate, provider: ReplicateProvider, what: str
) -> None:
    reply, record = PASSING[what]
    vendor.faults["submit"] = [reply]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [record, WELL]
    assert 2.0 <= buying.slept[0] <= 2.5


async def test_it_is_tried_twice_and_then_the_next_one_is_asked(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    vendor.always["submit"] = Reply(500)
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("failed", "SERVER_ERROR")] * 2 + [SPARE]


@pytest.mark.parametrize("reply", [Reply.of({"no": "id"}, 201), HTML, Reply.of([], 201)])
async def test_a_submission_whose_id_cannot_be_read_may_be_on_the_bill(
    vendor: Replicate, provider: ReplicateProvider, reply: Reply
) -> None:
    vendor.always["submit"] = reply
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("unknown", "BAD_RESPONSE"), SPARE]


@pytest.mark.parametrize(
    ("reply", "after_s"),
    [
        (Reply(429, headers={"Retry-After": "7"}), 7),
        (
            Reply.of({"detail": "Request was throttled. Your rate limit resets in ~30s."}, 429),
            30,
        ),
    ],
)
async def test_too_many_requests_are_waited_out_as_long_as_the_vendor_says(
    vendor: Replicate, provider: ReplicateProvider, reply: Reply, after_s: float
) -> None:
    vendor.faults["submit"] = [reply]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("failed", "RATE_LIMITED"), WELL]
    assert buying.slept[0] >= after_s


async def test_a_date_to_come_back_at_is_understood(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    later = {"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"}
    vendor.always["submit"] = Reply(429, headers=later)
    waits = (await failure(provider)).retry_after_s
    assert waits is not None
    assert waits > 10**6


@pytest.mark.parametrize("body", [b"", b"<html>", b"resets in ~xs", b'{"detail": 1}'])
def test_a_throttling_without_a_time_names_none(body: bytes) -> None:
    assert throttled_s(body) is None


ODD_LOOKS = {
    "500": Reply(500),
    "429": Reply(429, headers={"Retry-After": "0"}),
    "a reset": Reply(trouble="resets"),
    "HTML": HTML,
    "cut off": Reply(200, b'{"id": "p1", "status": "succe', trouble="is cut"),
    "another shape": Reply.of({"status": 3}),
}


@pytest.mark.parametrize("what", ODD_LOOKS)
async def test_a_look_that_fails_is_no_failure_of_the_prediction(
    vendor: Replicate, provider: ReplicateProvider, what: str
) -> None:
    vendor.faults["look"] = [ODD_LOOKS[what]] * 2
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [WELL]
    assert len(vendor.of("submit")) == 1


async def test_a_prediction_that_is_not_found_any_more_may_be_on_the_bill(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    vendor.always["look"] = Reply.of({"detail": "not found"}, 404)
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("unknown", "REFUSED"), SPARE]


ENDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "the filter": (
        {"status": "failed", "error": "The input or output was flagged as sensitive. (E005)"},
        "failed",
        "CONTENT_FILTERED",
    ),
    "NSFW": ({"status": "failed", "error": "NSFW content detected"}, "failed", "CONTENT_FILTERED"),
    "the model": ({"status": "failed", "error": "list index out of range"}, "failed",
                  "GENERATION_FAILED"),
    "no reason": ({"status": "failed", "error": None}, "failed", "GENERATION_FAILED"),
    "called off": ({"status": "canceled"}, "unknown", "CANCELLED"),
}  # fmt: skip


@pytest.mark.parametrize("what", ENDS)
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_prediction_that_fails_goes_to_the_next_provider(
    vendor: Replicate, provider: ReplicateProvider, what: str, at_once: bool
) -> None:
    state, outcome, code = ENDS[what]
    if at_once:
        vendor.first = state
    vendor.states = [state]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate(outcome, code), SPARE]
    assert buying.attempts.settled[0].cost_usd_micros == 0


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"status": "failed", "error": "Prediction interrupted; please retry (code: PA)"},
         "SERVER_ERROR"),
        ({"status": "failed", "error": "Timeout starting prediction (E6716)"}, "SERVER_ERROR"),
        ({"status": "failed", "error": "CUDA out of memory"}, "CUDA_OOM"),
        ({"status": "aborted"}, "TIMEOUT"),
    ],
)  # fmt: skip
async def test_a_prediction_that_could_not_run_is_made_once_more(
    vendor: Replicate, provider: ReplicateProvider, state: dict[str, Any], code: str
) -> None:
    vendor.fates["p1"] = [state]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("failed", code), WELL]
    assert [each for _, each in buying.attempts.noted] == ["p1", "p2"]


def test_the_vendors_filter_says_nothing_against_its_health() -> None:
    assert blame_for(failure_of("flagged as sensitive (E005)").code) is Blame.CALLER


@pytest.mark.parametrize(
    ("error", "detail"),
    [("boom (E9999)", "failed E9999"), ("flagged as sensitive (E005)", "filtered E005")],
)
def test_what_a_prediction_says_of_itself_is_not_repeated(error: str, detail: str) -> None:
    said = failure_of(f"{error} {TOKEN} https://replicate.delivery/x?signature=canary")
    assert said.detail == detail


@pytest.mark.parametrize(
    ("output", "removed"), [(None, True), (None, False), ([], False), ("", False), (7, False)]
)
async def test_a_success_without_an_image_has_to_be_paid(
    vendor: Replicate, provider: ReplicateProvider, output: object, removed: bool
) -> None:
    vendor.states = [{"status": "succeeded", "output": output, "data_removed": removed}]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [replicate("failed", "BAD_RESPONSE"), SPARE]
    assert buying.attempts.settled[0].cost_usd_micros == 40_000


async def test_a_resumed_call_whose_image_was_removed_is_settled_and_the_piece_comes_back(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    vendor.states = [{"status": "succeeded", "output": None, "data_removed": True}]
    buying = Buying(provider)
    buying.resumes("before42")
    with pytest.raises(TryLater):
        await buying(content_requested())
    (settled,) = buying.attempts.settled
    assert (settled.error_code, settled.cost_usd_micros) == ("BAD_RESPONSE", 40_000)
    assert "removed" in settled.detail


@pytest.mark.parametrize("call_id", ["../deployments", "", "a b", "p1?x=1"])
async def test_an_id_that_is_none_becomes_no_path(
    vendor: Replicate, provider: ReplicateProvider, call_id: str
) -> None:
    with pytest.raises(ProviderFailure) as failed:
        await provider.resume(brief(), call_id)
    assert failed.value.outcome == "unknown"
    assert vendor.asked == []


async def test_an_id_that_cannot_be_noted_is_called_off(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    async def note(_: str) -> None:
        raise TryLater("the ledger is away")

    with pytest.raises(TryLater):
        await (await provider.prepare(brief()))(note)
    assert [asked.path for asked in vendor.of("cancel")] == ["/v1/predictions/p1/cancel"]
    assert vendor.of("look") == []


async def test_being_cut_off_calls_nothing_off_whose_id_is_known(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    vendor.states = [{"status": "processing"}]
    call = asyncio.ensure_future((await provider.prepare(brief()))(notes_into([])))
    await eventually(lambda: len(vendor.of("look")) > 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert vendor.of("cancel") == []


@pytest.mark.parametrize("cancel", [Reply(200), Reply(500), Reply(trouble="resets")])
async def test_what_takes_too_long_is_called_off_at_the_api_and_may_be_on_the_bill(
    vendor: Replicate, opening: Opening, cancel: Reply
) -> None:
    vendor.states = [{"status": "processing"}]
    vendor.always["cancel"] = cancel
    failed = await failure(opening(timeout_s=1.5))
    assert (failed.code, failed.outcome) == ("TIMEOUT", "unknown")
    assert [asked.path for asked in vendor.of("cancel")] == ["/v1/predictions/p1/cancel"]


@pytest.mark.parametrize("trouble", ["hangs", "drips"])
async def test_a_submission_that_is_never_answered_may_be_on_the_bill(
    vendor: Replicate, opening: Opening, trouble: Trouble
) -> None:
    vendor.always["submit"] = Reply(201, b" " * 999, trouble=trouble)
    buying = Buying(opening(timeout_s=0.6))
    await buying(content_requested())
    assert buying.records == [replicate("unknown", "TIMEOUT")] * 2 + [SPARE]
    assert buying.attempts.noted == []


async def test_nobody_there_costs_nothing_and_is_tried_again(opening: Opening) -> None:
    buying = Buying(opening(base_url="http://127.0.0.1:9/v1"))
    await buying(content_requested())
    assert buying.records == [replicate("failed", "CONNECTION")] * 2 + [SPARE]


KINDS: tuple[Kind, ...] = ("submit", "look", "fetch")


@pytest.mark.parametrize("kind", KINDS)
async def test_no_failure_and_no_log_tells_the_token(
    vendor: Replicate, provider: ReplicateProvider, kind: Kind
) -> None:
    vendor.always[kind] = Reply.of({"detail": TOKEN}, 400)
    with capture_logs() as logs:
        failed = await failure(provider)
    assert "canary" not in f"{failed} {failed.detail} {logs}"
