"""What an SDXL + LoRA worker is told and what it says, whatever the way to it.

The words are those of docs/worker-contract.md.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    Field,
    FiniteFloat,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from services.generator.adapters.vendor_http import Answer
from services.generator.domain.failures import ProviderFailure
from services.generator.ports import MadeImage
from shared.content import Brief

M = TypeVar("M", bound=BaseModel)

Reply = Mapping[str, Any] | bytes | bytearray
"""What a worker gave for an order: a JSON object, read or not."""

_WORKER_LIMIT_S = 300
_LARGEST = 2**63  # what still counts as a number in a database
ERROR_CODES = frozenset(
    {
        "INVALID_PROMPT",
        "LORA_DOWNLOAD_FAILED",
        "LORA_LOAD_FAILED",
        "MODEL_LOAD_FAILED",
        "GENERATION_FAILED",
        "TIMEOUT",
        "CUDA_OOM",
    }
)


def _or_none(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:
        return None


class _ModelInfo(BaseModel):
    base_model: str
    lora_applied: bool
    lora_scale: FiniteFloat = 0.0


class _Metadata(BaseModel):
    seed_used: int = Field(ge=0, lt=_LARGEST)
    actual_steps: int = Field(ge=0, lt=_LARGEST)
    actual_cfg: FiniteFloat


class _Generated(BaseModel):
    image_base64: str = Field(min_length=1)
    model_info: _ModelInfo
    metadata: _Metadata


class _Refused(BaseModel):
    error_code: str
    # A wrong one must not hide the code.
    retry_after: Annotated[FiniteFloat | None, WrapValidator(_or_none)] = None


def request_of(brief: Brief, lora_url: str, *, limit_s: float) -> dict[str, Any]:
    """The order for one image."""
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
        "timeout": min(_WORKER_LIMIT_S, max(1, int(limit_s))),
    }


def made_of(reply: Reply, cost_usd_micros: int) -> MadeImage:
    """The image in a reply. Raises ProviderFailure, also for a refusal. Takes its time."""
    try:
        answer = _read(_Generated, reply)
        data = base64.b64decode(answer.image_base64, validate=True)
    except ValueError:  # a letter that is not ASCII is no binascii.Error
        # A validator's words quote what it read.
        no_image = ProviderFailure("BAD_RESPONSE", "no image in the answer")
        raise refusal_in(reply) or no_image from None
    return MadeImage(
        data=data,
        model=answer.model_info.base_model,
        seed=answer.metadata.seed_used,
        steps=answer.metadata.actual_steps,
        cfg_scale=answer.metadata.actual_cfg,
        lora_applied=answer.model_info.lora_applied,
        lora_scale=answer.model_info.lora_scale,
        cost_usd_micros=cost_usd_micros,
    )


def refusal_in(reply: Reply) -> ProviderFailure | None:
    """The failure that the worker itself names, if it names one of its codes."""
    refused = _refused(reply)
    if refused is None or refused.error_code not in ERROR_CODES:
        return None
    code = refused.error_code
    return ProviderFailure(code, "the worker says so", retry_after_s=refused.retry_after)


def failure_of(answer: Answer) -> ProviderFailure:
    """The failure that an answer other than 200 means. Busy is busy, whatever else it says."""
    failure = answer.failure()
    refused = _refused(answer.body)
    if refused is None:
        return failure
    if refused.error_code in ERROR_CODES and answer.status != 429:
        failure = answer.failure(code=refused.error_code, detail=refused.error_code)
    if refused.retry_after is not None:
        failure.retry_after_s = refused.retry_after
    return failure


def _refused(reply: Reply) -> _Refused | None:
    try:
        return _read(_Refused, reply)
    except ValidationError:
        return None


def _read(model: type[M], reply: Reply) -> M:
    if isinstance(reply, bytes | bytearray):
        return model.model_validate_json(reply)
    return model.model_validate(reply)
