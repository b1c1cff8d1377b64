"""Replicate's predictions over HTTP: https://replicate.com/docs/reference/http."""

from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import BaseModel, Field, SecretStr, ValidationError

from services.generator.adapters.image_gate import MOST_BYTES
from services.generator.adapters.replicate.failures import throttled_s
from services.generator.adapters.vendor_http import Answer, exchange
from services.generator.domain.failures import ProviderFailure

_MOST_JSON_BYTES = 2**20
_SHORTEST_DEADLINE_S = 5
# A gateway that gave up on what may have been done behind it.
_MAYBE_DONE = frozenset({502, 504})


class _Metrics(BaseModel):
    predict_time: float | None = None


class Prediction(BaseModel):
    """As much of a prediction as counts here. Unknown states are those of one under way."""

    # It becomes part of a path: nothing but letters and digits.
    id: str = Field(pattern=r"^[A-Za-z0-9]{1,64}$")
    status: str
    output: Any = None
    error: Any = None
    data_removed: bool | None = None
    metrics: _Metrics | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status in {"succeeded", "failed", "canceled", "aborted"}


@dataclass(frozen=True, slots=True)
class ReplicateApi:
    """Makes predictions, looks at them, calls them off, fetches what came of them.

    All its addresses are made here: none that an answer names is sent the token.
    """

    client: httpx2.AsyncClient
    base_url: str
    token: SecretStr

    async def submit(self, path: str, body: dict[str, Any], *, deadline_s: float) -> Prediction:
        """Have a prediction made, which the vendor itself ends after `deadline_s` seconds.

        It answers at once, with an id. With `Prefer: wait` the id would come with the image, and
        be lost with us until then. Raises ProviderFailure.
        """
        after_s = max(_SHORTEST_DEADLINE_S, round(deadline_s))
        answer = await self._call("POST", path, json=body, headers={"Cancel-After": f"{after_s}s"})
        if answer.status not in {200, 201, 202}:
            raise _refusal(answer)
        return _prediction(answer, outcome_is_unknown=True)

    async def look(self, prediction_id: str) -> Prediction:
        """How it stands. Raises ProviderFailure."""
        answer = await self._call("GET", f"predictions/{prediction_id}")
        if answer.status != 200:
            raise _refusal(answer)
        return _prediction(answer)

    async def call_off(self, prediction_id: str) -> None:
        """Have it ended, whether that works or not. Raises ProviderFailure."""
        await self._call("POST", f"predictions/{prediction_id}/cancel")

    async def fetch(self, url: str) -> bytes:
        """What lies at `url`, which is told no token. Raises ProviderFailure."""
        answer = await exchange(self.client, "GET", url, most_bytes=MOST_BYTES)
        if answer.status != 200:
            raise answer.failure()
        return bytes(answer.body)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        token = {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        return await exchange(
            self.client,
            method,
            f"{self.base_url.rstrip('/')}/{path}",
            json=json,
            headers=token | (headers or {}),
            costs=json is not None,
            most_bytes=_MOST_JSON_BYTES,
        )


def _prediction(answer: Answer, *, outcome_is_unknown: bool = False) -> Prediction:
    try:
        return Prediction.model_validate_json(answer.body)
    except ValidationError as exc:
        raise ProviderFailure(
            "BAD_RESPONSE",
            "no prediction in the answer",
            outcome="unknown" if outcome_is_unknown else "failed",
        ) from exc


def _refusal(answer: Answer) -> ProviderFailure:
    failure = answer.failure()
    if failure.retry_after_s is None and answer.status == 429:
        failure.retry_after_s = throttled_s(answer.body)
    if answer.status in _MAYBE_DONE:
        failure.outcome = "unknown"
    return failure
