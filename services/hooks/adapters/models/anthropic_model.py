"""The copywriter `anthropic`: Claude through the Messages API, with structured output.

The wire format: https://platform.claude.com/docs/en/api/messages and
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from collections.abc import Awaitable
from typing import Annotated, Any, Literal

import anthropic
from anthropic import AsyncAnthropic
from pydantic import BaseModel, Field, ValidationError

from services.hooks.adapters.models.asked_once import Answered, AskedOnce, Sdk, sdk_options
from services.hooks.adapters.models.reading import read_items
from services.hooks.adapters.price_file import KnownModel
from services.hooks.domain.commission import ANSWER_SCHEMA, Commission
from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.prices import Usage
from services.hooks.ports import Answer

Count = Annotated[int, Field(ge=0)]

_SETTINGS = {401: "ANTHROPIC_API_KEY", 403: "ANTHROPIC_API_KEY", 404: "ANTHROPIC_HOOK_MODEL"}


class _Block(BaseModel):
    type: str
    text: str = ""


class _Usage(BaseModel):
    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None


class _Message(BaseModel):
    type: Literal["message"]
    model: str
    content: tuple[_Block, ...]
    stop_reason: str | None = None
    usage: _Usage


class AnthropicModel(AskedOnce):
    """Asks once a call."""

    name = "anthropic"
    sdk = Sdk(anthropic.APIStatusError, anthropic.AnthropicError, _SETTINGS)

    def __init__(self, *, api_key: str, base_url: str, model: KnownModel, timeout_s: float) -> None:
        super().__init__(model, timeout_s)
        self._client = AsyncAnthropic(**sdk_options(api_key, base_url, timeout_s))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def _ask(self, commission: Commission) -> Awaitable[Answered]:
        return self._client.messages.with_raw_response.create(**self._request(commission))

    def _read(self, body: bytes) -> Answer:
        return _read(body)

    def _request(self, commission: Commission) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._model.name,
            "max_tokens": commission.most_output_tokens,
            "system": commission.instructions,
            "messages": [{"role": "user", "content": commission.data}],
            "output_config": {"format": {"type": "json_schema", "schema": ANSWER_SCHEMA}},
        }
        if self._model.without_thinking:
            request["thinking"] = {"type": self._model.without_thinking}
        return request


def _read(body: bytes) -> Answer:
    try:
        message = _Message.model_validate_json(body)
    except ValidationError:
        # A success that says nothing: it may well be on the bill.
        raise CopyFailure("BAD_RESPONSE", "unreadable", outcome="unknown") from None
    usage = Usage(
        input=message.usage.input_tokens,
        cached_input=message.usage.cache_read_input_tokens or 0,
        cache_write=message.usage.cache_creation_input_tokens or 0,
        output=message.usage.output_tokens,
    )
    if message.stop_reason == "refusal":
        raise CopyFailure("REFUSED", "stop reason refusal", usage=usage)
    text = "".join(block.text for block in message.content if block.type == "text")
    return Answer(read_items(text, usage), message.model, usage)
