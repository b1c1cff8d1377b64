"""The copywriter `openai`: GPT through the Responses API, with structured output.

The wire format: https://developers.openai.com/api/docs/api-reference/responses and
https://developers.openai.com/api/docs/guides/structured-outputs
"""

import asyncio
from typing import Any

import openai
from openai import AsyncOpenAI

from services.hooks.adapters.models.bounded_client import bounded_client, timeouts
from services.hooks.adapters.models.openai_answers import read_response
from services.hooks.adapters.models.troubles import of_connection, of_status
from services.hooks.adapters.price_file import KnownModel
from services.hooks.domain.commission import ANSWER_SCHEMA, Commission
from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.prices import TokenPrice
from services.hooks.ports import Answer

_SETTINGS = {401: "OPENAI_API_KEY", 403: "OPENAI_API_KEY", 404: "OPENAI_HOOK_MODEL"}


class OpenAIModel:
    """Asks once a call; retries are the handler's decision. The vendor keeps no copy."""

    name = "openai"

    def __init__(self, *, api_key: str, base_url: str, model: KnownModel, timeout_s: float) -> None:
        self._model = model
        self._timeout_s = timeout_s
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            timeout=timeouts(timeout_s),
            max_retries=0,
            http_client=bounded_client(timeout_s),
        )

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s

    @property
    def price(self) -> TokenPrice:
        return self._model.price

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def write(self, commission: Commission) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.responses.with_raw_response.create(
                    **self._request(commission)
                )
        except TimeoutError:
            limit = f"no answer within {self._timeout_s:.0f} s"
            raise CopyFailure("TIMEOUT", limit, outcome="unknown") from None
        except openai.APIStatusError as exc:
            # Not with its cause: that has the request, and the request has the key.
            failure = of_status(
                self.name, exc.status_code, exc.response.headers, exc.body, _SETTINGS
            )
            raise failure from None
        except openai.OpenAIError as exc:
            raise of_connection(exc.__cause__ or exc) from None
        return read_response(response.http_response.content)

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
