"""What goes wrong at ComfyUI, in our words.

Its errors quote inputs, with the prompt and the link to the weights among them. Nothing of them
is told on but the classes of nodes and exceptions.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from services.generator.adapters.comfyui.workflow import Place, Workflow
from services.generator.adapters.vendor_http import Answer
from services.generator.domain.failures import ProviderFailure

_TOLD_BY_NODE = re.compile(r"(LORA_DOWNLOAD_FAILED|LORA_LOAD_FAILED)\b")
_CLASS_NAME = re.compile(r"[\w.]{1,100}", re.ASCII)

_TEXTS = ("prompt", "negative_prompt")
_OF_PIECE = ("seed", "steps", "cfg", "width", "height", "lora_url", "lora_key", "lora_name")


class _NodeError(BaseModel):
    extra_info: dict[str, Any] = {}


class _NodeErrors(BaseModel):
    errors: list[_NodeError] = []


class _Refused(BaseModel):
    node_errors: dict[str, _NodeErrors] | list[Any] = {}


def refusal(answer: Answer, workflow: Workflow) -> ProviderFailure:
    """Why a workflow was not taken: the piece's fault, or that of whoever has set it up."""
    if answer.status != 400:
        return answer.failure()
    at_fault = frozenset(_places(answer.body))
    if at_fault & workflow.places(*_TEXTS):
        return answer.failure(code="INVALID_PROMPT", detail="a text is not accepted")
    where = " ".join(sorted(map(str, at_fault)))[:200]
    if at_fault & workflow.places("checkpoint"):
        return answer.failure(code="MODEL_LOAD_FAILED", detail=where)
    if at_fault and at_fault <= workflow.places(*_OF_PIECE, "lora_scale"):
        return answer.failure(code="REFUSED", detail=where)
    # A node or a model is missing there: no piece can be made.
    return answer.failure(code="GENERATION_FAILED", detail=f"workflow refused {where}".strip())


def _places(body: bytearray) -> Iterator[Place]:
    try:
        refused = _Refused.model_validate_json(body)
    except ValidationError:
        return
    if isinstance(refused.node_errors, dict):
        for node, errors in refused.node_errors.items():
            for error in errors.errors:
                yield Place(node, str(error.extra_info.get("input_name", "?")))


def failed_run(data: Mapping[str, Any]) -> ProviderFailure:
    """The failure that an `execution_error` tells."""
    message = str(data.get("exception_message", ""))
    kind = str(data.get("exception_type", ""))
    detail = f"{_name(data.get('node_type'))}: {_name(kind.rpartition('.')[2])}"
    if told := _TOLD_BY_NODE.match(message):
        return ProviderFailure(told[1], detail)
    if kind.endswith("OutOfMemoryError") or "out of memory" in message.lower():
        return ProviderFailure("CUDA_OOM", detail)
    return ProviderFailure("GENERATION_FAILED", detail)


def interrupted() -> ProviderFailure:
    """Somebody at the server has stopped it."""
    return ProviderFailure("CANCELLED", "interrupted at the server")


def gone() -> ProviderFailure:
    """It is neither queued nor at work nor in the history: deleted, or lost in a restart."""
    return ProviderFailure("CANCELLED", "the server knows it no more", outcome="unknown")


def _name(told: object) -> str:
    text = str(told)
    return text if _CLASS_NAME.fullmatch(text) else "unnamed"
