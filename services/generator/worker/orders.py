"""An order as it comes in: read strictly, refused with a reason, never quoted."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from services.generator.sdxl.wishes import FailureCode, LoraWish, Wish
from services.generator.worker.refusals import DoorCode, Refusal
from shared.strict_json import StrictJsonError, parse

MAX_PROMPT = 10_000
"""Characters of a prompt, and of a negative one: more than any encoder reads."""
MAX_URL = 8192
DEFAULT_LIMIT_S = 60
_PROMPTS = frozenset({"prompt", "negative_prompt"})
# Texts that are no good as prompts; what is no text at all is a request gone wrong.
_ABOUT_WORDS = frozenset({"value_error", "string_too_long"})
_MAX_FIELD = 60
_Side = Annotated[int, Field(ge=512, le=1536, multiple_of=8)]


class Order(BaseModel):
    """The fields of docs/worker-contract.md; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    prompt: str = Field(max_length=MAX_PROMPT)
    negative_prompt: str = Field(default="", max_length=MAX_PROMPT)
    lora_url: str | None = Field(
        default=None, max_length=MAX_URL, pattern=r"^https?://[^\s]+$", repr=False
    )
    lora_scale: FiniteFloat = Field(default=1.0, ge=0, le=1)
    width: _Side = 1024
    height: _Side = 1024
    steps: int = Field(default=28, ge=20, le=50)
    cfg: FiniteFloat = Field(default=5.5, ge=1, le=20)
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    timeout: int = Field(default=DEFAULT_LIMIT_S, ge=1, le=300)

    @field_validator("prompt")
    @classmethod
    def _says_something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("says nothing")
        return prompt

    @property
    def wish(self) -> Wish:
        """What the engine is asked for."""
        lora = None if self.lora_url is None else LoraWish(self.lora_url, self.lora_scale)
        return Wish(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            width=self.width,
            height=self.height,
            steps=self.steps,
            cfg=self.cfg,
            seed=self.seed,
            lora=lora,
            limit_s=self.timeout,
        )


def read_order(body: bytes) -> Order:
    """The order in a request's body. Raises Refusal."""
    try:
        told = parse(body)
    except StrictJsonError as exc:
        place = [{"field": exc.place[:_MAX_FIELD] or "body", "problem": exc.code}]
        raise Refusal(DoorCode.INVALID_REQUEST, f"{exc}.", fields=place) from None
    return order_of(told)


def order_of(told: object) -> Order:
    """The order that this value is. Raises Refusal."""
    try:
        return Order.model_validate(told)
    except ValidationError as exc:
        # The cause knows what was sent, and a link to weights is a secret.
        raise _refusal(
            exc.errors(include_input=False, include_context=False, include_url=False)
        ) from None


def _refusal(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    faults = [_fault(each) for each in errors]
    # No prompt, no provider: that ends the piece, so it is said only where nothing else is wrong.
    is_the_prompt = all(
        fault["field"] in _PROMPTS and error["type"] in _ABOUT_WORDS
        for fault, error in zip(faults, errors, strict=True)
    )
    code = FailureCode.INVALID_PROMPT if is_the_prompt else DoorCode.INVALID_REQUEST
    return Refusal(code, f"{faults[0]['field']}: {faults[0]['problem']}", fields=faults)


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    place = ".".join(str(part) for part in error["loc"]) or "body"
    problem = str(error["msg"]).removeprefix("Value error, ")  # pydantic's word for our own words
    return {"field": place[:_MAX_FIELD], "problem": problem}
