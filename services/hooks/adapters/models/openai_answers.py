"""The answers of POST /v1/responses: output of several kinds, and the tokens it took.

The wire format: https://developers.openai.com/api/docs/api-reference/responses
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from services.hooks.adapters.models.reading import read_items
from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.prices import Usage
from services.hooks.ports import Answer

Count = Annotated[int, Field(ge=0)]

_BUSY = frozenset({"rate_limit_exceeded", "slow_down"})


class _Part(BaseModel):
    type: str
    text: str = ""


class _Output(BaseModel):
    type: str
    content: tuple[_Part, ...] | None = None


class _InputDetails(BaseModel):
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0


class _Usage(BaseModel):
    input_tokens: Count
    output_tokens: Count
    input_tokens_details: _InputDetails = _InputDetails()

    @property
    def by_price(self) -> Usage:
        """Each token once: what the cache had or was given is counted among the input, too."""
        details = self.input_tokens_details
        plain = self.input_tokens - details.cached_tokens - details.cache_write_tokens
        return Usage(
            input=max(0, plain),
            cached_input=details.cached_tokens,
            cache_write=details.cache_write_tokens,
            output=self.output_tokens,
        )


class _Reason(BaseModel):
    reason: str | None = None


class _Error(BaseModel):
    code: str | None = None


class _Response(BaseModel):
    object: Literal["response"]
    model: str
    status: str | None = None
    output: tuple[_Output, ...] = ()
    incomplete_details: _Reason | None = None
    error: _Error | None = None
    usage: _Usage | None = None

    @property
    def parts(self) -> tuple[_Part, ...]:
        return tuple(part for output in self.output for part in output.content or ())


def read_response(body: bytes) -> Answer:
    """The captions of a response. Raises CopyFailure; what was used has to be paid."""
    try:
        response = _Response.model_validate_json(body)
    except ValidationError:
        # A success that says nothing: it may well be on the bill.
        raise CopyFailure("BAD_RESPONSE", "unreadable", outcome="unknown") from None
    usage = None if response.usage is None else response.usage.by_price
    if response.status == "failed":
        raise _failed(response.error, usage)
    if usage is None:
        raise CopyFailure("BAD_RESPONSE", "no usage", outcome="unknown")
    reason = response.incomplete_details and response.incomplete_details.reason
    if reason == "content_filter" or any(part.type == "refusal" for part in response.parts):
        raise CopyFailure("REFUSED", "refusal or content filter", usage=usage)
    text = "".join(part.text for part in response.parts if part.type == "output_text")
    return Answer(read_items(text, usage), response.model, usage)


def _failed(error: _Error | None, usage: Usage | None) -> CopyFailure:
    code = error.code if error is not None else None
    if code in _BUSY:
        return CopyFailure("RATE_LIMITED", "failed by its rate limit", usage=usage)
    if code == "invalid_prompt":
        return CopyFailure("REFUSED", "failed by its filter", usage=usage)
    return CopyFailure("SERVER_ERROR", "failed", usage=usage)
