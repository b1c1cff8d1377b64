"""The judge `openai`, through its real SDK and over a socket: no odd answer is ever a pass."""

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from services.safety.adapters.guarded import GuardedJudge
from services.safety.adapters.openai_moderation import MAX_IMAGE_BYTES, OpenAIJudge
from services.safety.domain.moderation import MINORS
from services.safety.domain.submission import Submission
from services.safety.ports import Busy
from shared.breaker import Breaker, State
from shared.content import Decision
from shared.outcomes import TryLater
from tests.builders import brief, captions
from tests.safety.moderation_api import BOTH, TEXT_ONLY, Body, Fault, ModerationApi, moderation_api
from tests.safety.panels import Moderation, Says, verdict_of

KEY = "sk-of-this-test-alone"
PIECE = Submission(prompt="a portrait", captions=("Golden hour.", "Rain."), image=b"\x89PNG bytes")


@pytest.fixture
def api() -> Iterator[ModerationApi]:
    with moderation_api() as opened:
        yield opened


@pytest.fixture
async def judge(api: ModerationApi) -> AsyncIterator[OpenAIJudge]:
    opened = OpenAIJudge.of(
        api_key=KEY, base_url=api.url, model="omni-moderation-latest", timeout_s=1.0
    )
    yield opened
    await opened.close()


async def test_words_and_image_go_in_one_request(api: ModerationApi, judge: OpenAIJudge) -> None:
    await judge.judge(PIECE)
    (request,) = api.requests
    text, image = request["input"]
    assert request["path"] == "/v1/moderations"
    assert request["model"] == "omni-moderation-latest"
    assert text == {"type": "text", "text": "a portrait\n\nGolden hour.\n\nRain."}
    encoded = base64.b64encode(b"\x89PNG bytes").decode()
    assert image["image_url"]["url"] == f"data:image/png;base64,{encoded}"
    assert api.keys == [f"Bearer {KEY}"]


async def test_scores_count_for_what_they_apply_to(api: ModerationApi, judge: OpenAIJudge) -> None:
    api.scores = {"sexual": 0.3}
    report = await judge.judge(PIECE)
    assert report is not None
    assert (report.judge, report.model) == ("openai", "omni-moderation-2024-09-26")
    assert set(report.image_scores) == set(BOTH)
    assert set(report.text_scores) == {*BOTH, *TEXT_ONLY}
    assert report.image_scores["sexual"] == report.text_scores["sexual"] == 0.3
    assert MINORS not in report.image_scores


async def test_an_image_alone_is_not_scored_where_only_words_are(judge: OpenAIJudge) -> None:
    report = await judge.judge(Submission(image=b"png"))
    assert report is not None
    assert set(report.image_scores) == set(BOTH)
    assert report.text_scores == {}


def drop(*path: str) -> Fault:
    def spoil(answer: Body) -> None:
        part = answer["results"][0]
        for name in path[:-1]:
            part = part[name]
        del part[path[-1]]

    return Fault(spoil=spoil)


def put(value: object, *path: str) -> Fault:
    def spoil(answer: Body) -> None:
        part = answer["results"][0]
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] = value

    return Fault(spoil=spoil)


def cleared(answer: Body) -> None:
    answer["results"].clear()


def doubled(answer: Body) -> None:
    answer["results"] *= 2


def flagged_for_nothing(answer: Body) -> None:
    answer["results"][0]["flagged"] = True


def flagged_without_a_score(answer: Body) -> None:
    answer["results"][0]["flagged"] = True
    answer["results"][0]["categories"][MINORS] = True


ODD_ANSWERS = {
    "not JSON": Fault(body=b"<html>busy</html>"),
    "cut off": Fault(body=b'{"id": "modr-1", "model": "omni", "results": [{"fl'),
    "empty": Fault(body=b""),
    "null": Fault(body=b"null"),
    "no results": Fault(spoil=cleared),
    "two results": Fault(spoil=doubled),
    "no scores": drop("category_scores"),
    "scores are null": put(None, "category_scores"),
    "no applied types": drop("category_applied_input_types"),
    "applied types are null": put(None, "category_applied_input_types"),
    "no flag": drop("flagged"),
    "a category less": drop("category_scores", "sexual"),
    "a category less in the types": drop("category_applied_input_types", MINORS),
    "a category less in the flags": drop("categories", MINORS),
    "a score above 1": put(1.5, "category_scores", "sexual"),
    "a score below 0": put(-0.1, "category_scores", "sexual"),
    "NaN": put(float("nan"), "category_scores", "sexual"),
    "infinity": put(float("inf"), "category_scores", "sexual"),
    "a score in words": put("0.1", "category_scores", "sexual"),
    "a score that is a flag": put(False, "category_scores", "sexual"),
    "a score that is null": put(None, "category_scores", "sexual"),
    "an unknown input type": put(["video"], "category_applied_input_types", "sexual"),
    "flagged for nothing": Fault(spoil=flagged_for_nothing),
    "flagged without a score": Fault(spoil=flagged_without_a_score),
}


@pytest.mark.parametrize("odd", ODD_ANSWERS)
async def test_an_odd_answer_is_no_answer(api: ModerationApi, judge: OpenAIJudge, odd: str) -> None:
    api.faults = [ODD_ANSWERS[odd]]
    with pytest.raises(TryLater):
        await judge.judge(PIECE)


async def test_a_score_that_applies_to_nothing_is_no_answer(
    api: ModerationApi, judge: OpenAIJudge
) -> None:
    api.scores = {MINORS: 0.7}
    api.faults = [put([], "category_applied_input_types", MINORS)]
    with pytest.raises(TryLater):
        await judge.judge(PIECE)


@pytest.mark.parametrize(
    ("fault", "kind", "after_s"),
    [
        (Fault(429), Busy, None),
        (Fault(429, {"retry-after": "7"}), Busy, 7),
        (Fault(429, {"retry-after": "3600"}), Busy, 30),
        (Fault(429, {"retry-after": "-1"}), Busy, None),
        (Fault(429, {"retry-after": "nan"}), Busy, None),
        (Fault(429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}), Busy, None),
        (Fault(503, {"retry-after": "2"}), TryLater, 2),
        (Fault(500), TryLater, None),
        (Fault(408), TryLater, None),
        (Fault(302, {"location": "/elsewhere"}), TryLater, None),
    ],
)
async def test_the_vendors_trouble_is_waited_out(
    api: ModerationApi, judge: OpenAIJudge, fault: Fault, kind: type[TryLater], after_s: float
) -> None:
    api.always = fault
    with pytest.raises(TryLater) as wish:
        await judge.judge(PIECE)
    assert type(wish.value) is kind
    assert wish.value.after_s == after_s


async def test_a_request_is_never_repeated_by_the_sdk(
    api: ModerationApi, judge: OpenAIJudge
) -> None:
    api.always = Fault(500)
    with pytest.raises(TryLater):
        await judge.judge(PIECE)
    assert len(api.requests) == 1


async def test_who_hangs_is_left_after_the_timeout(api: ModerationApi, judge: OpenAIJudge) -> None:
    api.faults = [Fault(hangs=True)]
    with pytest.raises(TryLater, match="Timeout"):
        await judge.judge(PIECE)


async def test_who_takes_too_long_in_all_is_left_even_where_the_client_would_wait(
    api: ModerationApi, judge: OpenAIJudge
) -> None:
    guarded = GuardedJudge(judge, Breaker(Clock(), failures=1), 0.1)
    api.faults = [Fault(hangs=True)]
    with pytest.raises(TryLater):
        await guarded.judge(PIECE)
    assert guarded.state is State.OPEN


async def test_nobody_there_is_waited_out() -> None:
    judge = OpenAIJudge.of(
        api_key=KEY, base_url="http://127.0.0.1:9/v1", model="omni", timeout_s=1.0
    )
    with pytest.raises(TryLater):
        await judge.judge(PIECE)
    await judge.close()


@pytest.mark.parametrize(
    ("status", "key"),
    [(401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY"), (404, "OPENAI_MODERATION_MODEL")],
)
async def test_a_wrong_setting_is_logged_by_name_and_never_by_value(
    api: ModerationApi, judge: OpenAIJudge, status: int, key: str
) -> None:
    api.faults = [Fault(status, body=b'{"error": {"message": "Incorrect key sk-of-thi***lone"}}')]
    with capture_logs() as logs, pytest.raises(TryLater) as wish:
        await judge.judge(PIECE)
    (entry,) = [each for each in logs if each["log_level"] == "error"]
    assert entry["setting"] == key
    assert "sk-of" not in str(logs) + str(wish.value)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_the_vendor_cannot_judge_has_no_report(
    api: ModerationApi, judge: OpenAIJudge, status: int
) -> None:
    api.faults = [Fault(status)]
    assert await judge.judge(PIECE) is None


async def test_too_large_an_image_is_not_sent(api: ModerationApi, judge: OpenAIJudge) -> None:
    assert await judge.judge(Submission(image=bytes(MAX_IMAGE_BYTES + 1))) is None
    assert not api.requests


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_judge_who_fails_five_times_is_left_alone_for_a_minute(
    api: ModerationApi, judge: OpenAIJudge
) -> None:
    clock = Clock()
    guarded = GuardedJudge(judge, Breaker(clock), 5)
    api.always = Fault(500)
    for _ in range(7):
        with pytest.raises(TryLater):
            await guarded.judge(PIECE)
    assert (len(api.requests), guarded.state) == (5, State.OPEN)
    with pytest.raises(TryLater) as wish:
        await guarded.judge(PIECE)
    assert wish.value.after_s == 30
    clock.now += 60
    api.always = None
    assert await guarded.judge(PIECE) is not None
    assert guarded.state is State.CLOSED


async def test_a_judge_who_is_only_busy_is_still_asked(
    api: ModerationApi, judge: OpenAIJudge
) -> None:
    guarded = GuardedJudge(judge, Breaker(Clock()), 5)
    api.always = Fault(429)
    for _ in range(8):
        with pytest.raises(Busy):
            await guarded.judge(PIECE)
    assert (len(api.requests), guarded.state) == (8, State.CLOSED)


@pytest.mark.parametrize("odd", [*ODD_ANSWERS, "hangs", "500", "400"])
async def test_no_answer_of_the_vendor_but_a_clean_one_is_a_pass(
    api: ModerationApi, judge: OpenAIJudge, odd: str
) -> None:
    more = {"hangs": Fault(hangs=True), "500": Fault(500), "400": Fault(400)}
    api.always = {**ODD_ANSWERS, **more}[odd]
    moderation = Moderation([judge, Says()])
    event = await moderation.hooked()
    handler = moderation.handler
    try:
        fact = await handler(event)
    except TryLater as wish:
        ended = await handler.waited_long(event, 60, wish)
        assert ended is not None
        fact = ended
    assert verdict_of(fact).decision is Decision.REVIEW
    api.always = None
    assert (await moderation.verdict(event)).decision is Decision.APPROVED


async def test_blocked_words_are_told_from_blocked_captions_by_a_second_request(
    api: ModerationApi, judge: OpenAIJudge
) -> None:
    api.scores = {MINORS: 0.8}
    moderation = Moderation([judge, Says()])
    event = await moderation.hooked(brief=brief(prompt="a tree"), captions=captions("Rain."))
    verdict = await moderation.verdict(event)
    assert verdict.blocked_on == "captions"
    assert api.requests[1]["input"] == [{"type": "text", "text": "Rain."}]
