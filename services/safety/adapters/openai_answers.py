"""The answers of POST /v1/moderations, read strictly: who says less than documented says nothing.

The wire format: https://developers.openai.com/api/docs/guides/moderation
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from shared.content import JudgeReport

CATEGORIES = frozenset(
    {
        "harassment",
        "harassment/threatening",
        "hate",
        "hate/threatening",
        "self-harm",
        "self-harm/instructions",
        "self-harm/intent",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    }
)
"""Without any of these it is no answer. Models before omni lack the two of `illicit`."""

_NOTHING = 0.01
"""A score below it is none: what was not looked at gets 0."""

Score = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
InputType = Literal["text", "image"]


class Unusable(Exception):
    """No answer to rely on. Says what is wrong, and quotes none of it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Result(_Part):
    flagged: StrictBool
    categories: Mapping[str, StrictBool | None]
    category_scores: Mapping[str, Score | None]
    category_applied_input_types: Mapping[str, tuple[InputType, ...] | None]


class _Answer(_Part):
    model: str = Field(min_length=1, max_length=200)
    results: Annotated[tuple[_Result, ...], Field(min_length=1, max_length=1)]


def read_answer(body: bytes, *, judge: str) -> JudgeReport:
    """The scores of an answer, each for what it applies to. Raises Unusable."""
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as exc:
        fault = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "body"
        raise Unusable(f"{place}: {fault['msg']}") from None
    (result,) = answer.results
    for contradiction in _contradictions(result):
        raise Unusable(contradiction)
    return JudgeReport(
        judge=judge,
        model=answer.model,
        image_scores=_scores(result, "image"),
        text_scores=_scores(result, "text"),
    )


def _scores(result: _Result, kind: InputType) -> dict[str, float]:
    return {
        category: score
        for category, score in result.category_scores.items()
        if score is not None and kind in _applied(result, category)
    }


def _applied(result: _Result, category: str) -> tuple[InputType, ...]:
    return result.category_applied_input_types.get(category) or ()


def _contradictions(result: _Result) -> Iterator[str]:
    scored = {name: score for name, score in result.category_scores.items() if score is not None}
    for what, said in (
        ("category_scores", scored),
        ("categories", result.categories),
        ("category_applied_input_types", result.category_applied_input_types),
    ):
        if missing := CATEGORIES - set(said):
            yield f"{what} lacks {', '.join(sorted(missing))}"
    for category, score in scored.items():
        if score >= _NOTHING and not _applied(result, category):
            yield f"{category} has a score that applies to nothing"
    for category, flag in result.categories.items():
        if flag and scored.get(category, 0.0) < _NOTHING:
            yield f"{category} is flagged without a score"
    if result.flagged and not any(result.categories.values()):
        yield "flagged, but in no category"
