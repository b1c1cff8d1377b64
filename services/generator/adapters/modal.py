"""The `modal_sdxl_lora` provider: an SDXL + LoRA worker behind one HTTP call.

Wire format: `POST /generate-image` with JSON, answered by `{image_base64, image_size,
generation_time_seconds, model_info, metadata}` or `{error, error_code, details?, retry_after?}`
(docs/worker-contract.md).
"""

import asyncio
import base64
import binascii
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, Field, SecretStr, ValidationError

from services.generator.adapters.decode import check_image
from services.generator.domain import ProviderFailure
from services.generator.ports import LoraLinks, MadeImage, PreparedCall
from shared.content import Brief
from shared.factlog import utc_now

_MAX_RESPONSE_BYTES = 64 * 2**20
_WORKER_LIMIT_S = 300
# An answer of 2 MB takes six times its size to read; more hands than cores would only hold more.
_READ_AT_ONCE = 2


class _ModelInfo(BaseModel):
    base_model: str
    lora_applied: bool
    lora_scale: float = 0.0


class _Metadata(BaseModel):
    seed_used: int
    actual_steps: int
    actual_cfg: float


class _Generated(BaseModel):
    image_base64: str = Field(min_length=1)
    model_info: _ModelInfo
    metadata: _Metadata


class _Refused(BaseModel):
    error: str = ""
    error_code: str
    retry_after: float | None = None


class ModalProvider:
    """Calls the worker once per prepared call; retries are the handler's decision."""

    name = "modal_sdxl_lora"

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        token: SecretStr | None,
        lora_links: LoraLinks,
        timeout_s: float,
        cost_usd_micros: int,
    ) -> None:
        self._client = client
        self._url = url
        self._token = token
        self._lora_links = lora_links
        self._timeout_s = timeout_s
        self._cost_usd_micros = cost_usd_micros
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s

    async def prepare(self, brief: Brief) -> PreparedCall:
        # Minted for this very call: a link that waited in a queue would have expired.
        return partial(self._generate, brief, await self._lora_links.sign(brief.lora.key))

    async def _generate(self, brief: Brief, lora_url: str) -> MadeImage:
        status, headers, body = await self._post(self._request(brief, lora_url))
        if status != 200:
            raise _refusal(status, headers, body)
        return await self._read(brief, body)

    def _request(self, brief: Brief, lora_url: str) -> dict[str, Any]:
        return {
            "prompt": brief.prompt,
            "negative_prompt": brief.negative_prompt,
            "lora_url": lora_url,
            "lora_scale": brief.lora.scale,
            "width": brief.width,
            "height": brief.height,
            "steps": brief.steps,
            "cfg": brief.cfg_scale,
            "seed": brief.seed,
            "timeout": min(_WORKER_LIMIT_S, max(1, int(self._timeout_s))),
        }

    async def _post(self, payload: dict[str, Any]) -> tuple[int, httpx2.Headers, bytearray]:
        headers = {}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        try:
            async with self._client.stream(
                "POST", self._url, json=payload, headers=headers
            ) as response:
                return response.status_code, response.headers, await _bounded(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as exc:
            raise ProviderFailure("CONNECTION", type(exc).__name__) from exc
        except httpx2.TimeoutException as exc:
            raise ProviderFailure("TIMEOUT", type(exc).__name__, outcome="unknown") from exc
        except httpx2.TransportError as exc:
            # The request was on its way: the worker may have done the work.
            raise ProviderFailure("CONNECTION", type(exc).__name__, outcome="unknown") from exc
        except httpx2.HTTPError as exc:
            raise ProviderFailure("BAD_RESPONSE", type(exc).__name__) from exc

    async def _read(self, brief: Brief, body: bytearray) -> MadeImage:
        async with self._reading:
            return await asyncio.to_thread(_made, body, brief, self._cost_usd_micros)


def endpoint(base_url: str, inference_path: str) -> str:
    """A URL with a path is used as it is; a bare origin gets `inference_path`."""
    parts = urlsplit(base_url)
    if parts.path not in {"", "/"}:
        return base_url
    return f"{parts.scheme}://{parts.netloc}{inference_path}"


async def _bounded(response: httpx2.Response) -> bytearray:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MAX_RESPONSE_BYTES:
            raise ProviderFailure("BAD_RESPONSE", f"more than {_MAX_RESPONSE_BYTES} bytes")
    return body


def _made(body: bytearray, brief: Brief, cost_usd_micros: int) -> MadeImage:
    try:
        answer = _Generated.model_validate_json(body)
        data = base64.b64decode(answer.image_base64, validate=True)
    except (ValidationError, binascii.Error) as exc:
        raise ProviderFailure("BAD_RESPONSE", "no image in the answer") from exc
    return MadeImage(
        data=data,
        media_type=check_image(data, brief.width, brief.height),
        model=answer.model_info.base_model,
        seed=answer.metadata.seed_used,
        steps=answer.metadata.actual_steps,
        cfg_scale=answer.metadata.actual_cfg,
        lora_applied=answer.model_info.lora_applied,
        lora_scale=answer.model_info.lora_scale,
        cost_usd_micros=cost_usd_micros,
    )


def _refusal(status: int, headers: httpx2.Headers, body: bytearray) -> ProviderFailure:
    retry_after_s = _retry_after_s(headers)
    try:
        refused = _Refused.model_validate_json(body)
    except ValidationError:
        return ProviderFailure(_code_of(status), f"HTTP {status}", retry_after_s=retry_after_s)
    code = _code_of(status) if status == 429 else refused.error_code
    return ProviderFailure(
        code,
        f"HTTP {status} {refused.error_code}",
        retry_after_s=refused.retry_after or retry_after_s,
    )


def _code_of(status: int) -> str:
    if status == 429:
        return "RATE_LIMITED"
    return "SERVER_ERROR" if status >= 500 else "REFUSED"


def _retry_after_s(headers: httpx2.Headers) -> float | None:
    """Seconds from a Retry-After header in either of its forms (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after")
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
    except (TypeError, ValueError):
        return None
