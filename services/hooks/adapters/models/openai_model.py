"""The copywriter `openai`: GPT through the Responses API, with structured output.

The wire format: https://developers.openai.com/api/docs/api-reference/responses and
https://developers.openai.com/api/docs/guides/structured-outputs
"""

from collections.abc import Awaitable
from typing import Any

import openai
from openai import AsyncOpenAI

from services.hooks.adapters.models.asked_once import Answered, AskedOnce, Sdk, sdk_options
from services.hooks.adapters.models.openai_answers import read_response
from services.hooks.adapters.price_file import KnownModel
from services.hooks.domain.commission import ANSWER_SCHEMA, Commission
from services.hooks.ports import Answer

_SETTINGS = {401: "OPENAI_API_KEY", 403: "OPENAI_API_KEY", 404: "OPENAI_HOOK_MODEL"}


class OpenAIModel(AskedOnce):
    """Asks once a call. The vendor keeps no copy."""

    name = "openai"
    sdk = Sdk(openai.APIStatusError, openai.OpenAIError, _SETTINGS)

    def __init__(self, *, api_key: str, base_url: str, model: KnownModel, timeout_s: float) -> None:
        super().__init__(model, timeout_s)
        self._client = AsyncOpenAI(**sdk_options(api_key, base_url, timeout_s))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def _ask(self, commission: Commission) -> Awaitable[Answered]:
        return self._client.responses.with_raw_response.create(**self._request(commission))

    def _read(self, body: bytes) -> Answer:
        return read_response(body)

    def _request(self, commission: Commission) -> dict[str, Any]:
        form = {"type": "json_schema", "name": "captions", "strict": True, "schema": ANSWER_SCHEMA}
        request: dict[str, Any] = {
            "model": self._model.name,
            "max_output_tokens": commission.most_output_tokens,
            "instructions": commission.instructions,
            "input": [{"role": "user", "content": commission.data}],
            "text": {"format": form},
            "store": False,
        }
        if self._model.without_thinking:
            request["reasoning"] = {"effort": self._model.without_thinking}
        return request
