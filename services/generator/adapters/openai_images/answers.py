"""The answers of POST /v1/images/generations and /edits: an image in base64, and what it used.

The wire format: https://developers.openai.com/api/docs/api-reference/images
"""

import base64
import binascii
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from services.generator.adapters.fitting import Size, fit
from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price

Count = Annotated[int, Field(ge=0)]


class _Tokens(BaseModel):
    text_tokens: Count = 0
    image_tokens: Count = 0


class _Usage(BaseModel):
    input_tokens_details: _Tokens
    output_tokens: Count
    output_tokens_details: _Tokens | None = None

    @property
    def by_kind(self) -> dict[str, int]:
        """As the price table names them. Output that is not told apart is the image."""
        output = self.output_tokens_details or _Tokens(image_tokens=self.output_tokens)
        counts = {
            "text_input": self.input_tokens_details.text_tokens,
            "image_input": self.input_tokens_details.image_tokens,
            "text_output": output.text_tokens,
            "image_output": output.image_tokens,
        }
        return {kind: count for kind, count in counts.items() if count}


class _Image(BaseModel):
    b64_json: str = Field(min_length=1)


class _Answer(BaseModel):
    data: Any = None
    usage: Any = None


class _Data(BaseModel):
    data: Annotated[tuple[_Image, ...], Field(min_length=1)]


def read_image(body: bytes, price: Price, *, asked: Size, ordered: Size) -> tuple[bytes, int]:
    """The image of an answer, as it was ordered, and what it cost. To be run in a thread.

    Raises ProviderFailure; what was made has to be paid, of use or not.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        # A success that says nothing: it may well be on the bill.
        raise ProviderFailure("BAD_RESPONSE", "unreadable", outcome="unknown") from None
    cost = _cost(answer, price, asked)
    try:
        return fit(_decoded(answer), *ordered), cost
    except ProviderFailure as failure:
        failure.cost_usd_micros = cost
        raise


def _decoded(answer: _Answer) -> bytes:
    try:
        images = _Data(data=answer.data)
        return base64.b64decode(images.data[0].b64_json, validate=True)
    except (ValidationError, binascii.Error):
        raise ProviderFailure("BAD_RESPONSE", "no image in the answer") from None


def _cost(answer: _Answer, price: Price, asked: Size) -> int:
    """By the tokens that were used, where the vendor counts them so; else by the size."""
    try:
        used = _Usage.model_validate(answer.usage).by_kind
        by_tokens = price.of_tokens(used)
    except (ValidationError, KeyError):
        by_tokens = None
    return price.of_image(*asked) if by_tokens is None else by_tokens
