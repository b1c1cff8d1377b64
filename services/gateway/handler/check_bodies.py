"""What clients send to have something checked."""

import asyncio
import binascii
from typing import Annotated, Any, Self

from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from services.gateway.domain.image_types import media_type_of
from services.gateway.handler.json_types import Body
from shared.calls.screening import MAX_TEXT_CHARS
from shared.content import SubjectToken, Tier
from shared.problems import Problem

MAX_IMAGE_BYTES = 10 * 1024 * 1024
# What else a body says: a text whose every sign is spelled out, and slashes that are escaped.
_BESIDES_BYTES = 512 * 1024
_MAX_DIGITS = -(-MAX_IMAGE_BYTES // 3) * 4
MAX_CHECK_BODY_BYTES = _MAX_DIGITS + _BESIDES_BYTES

# How PNG, JPEG and WebP begin, in base64.
_ANY = "[A-Za-z0-9+/]"
_BEGINNINGS = (
    f"iVBORw0KGg[o-r]{_ANY}",
    "/9j/",
    f"UklGR[g-v]{_ANY}{{4}}[BFJNRVZdhlptx159]XRUJQ",
)
IMAGE_PATTERN = f"^(?:{'|'.join(_BEGINNINGS)})(?:{_ANY}{{4}})*(?:{_ANY}{{2}}==|{_ANY}{{3}}=)?$"

_CheckedText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS)
]
# Read in a thread of its own: most bodies have megabytes of it.
_Image = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "contentEncoding": "base64",
            "pattern": IMAGE_PATTERN,
            "description": f"a PNG, JPEG or WebP of {MAX_IMAGE_BYTES} bytes at most",
        }
    ),
]


def _tell_choices(schema: dict[str, Any]) -> None:
    def given(*fields: str) -> dict[str, Any]:
        return {
            "required": list(fields),
            "properties": {field: {"type": "string"} for field in fields},
        }

    schema["anyOf"] = [given("text"), given("image_base64"), given("piece_id")]
    schema["not"] = given("image_base64", "piece_id")


class CheckBody(Body):
    """A text, an image, or both; the image may be a finished piece's."""

    model_config = ConfigDict(json_schema_extra=_tell_choices)

    text: _CheckedText | None = None
    image_base64: _Image | None = None
    piece_id: SubjectToken | None = None
    tier: Tier | None = None
    avatar_id: SubjectToken | None = None

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if self.text is None and self.image_base64 is None and self.piece_id is None:
            raise PydanticCustomError(
                "nothing_to_check", "Give a text, an image_base64 or a piece_id"
            )
        return self

    @model_validator(mode="after")
    def _is_one_image(self) -> Self:
        if self.image_base64 is not None and self.piece_id is not None:
            raise PydanticCustomError("two_images", "Give image_base64 or piece_id, not both")
        return self


async def read_image(image_base64: str) -> tuple[bytes, str]:
    """The image and its media type.

    Raises Problem 413 for one that is too large, RequestValidationError for what is none.
    """
    if len(image_base64) > _MAX_DIGITS:
        raise _too_large()
    data = await asyncio.to_thread(_decoded, image_base64)
    if len(data) > MAX_IMAGE_BYTES:
        raise _too_large()
    media_type = media_type_of(data)
    if media_type is None:
        raise not_an_image()
    return data, media_type


def _decoded(image_base64: str) -> bytes:
    try:
        return binascii.a2b_base64(image_base64.encode("ascii"), strict_mode=True)
    except ValueError:
        return b""


def _too_large() -> Problem:
    detail = f"An image may have {MAX_IMAGE_BYTES} bytes at most; send a smaller one."
    return Problem(413, "body_too_large", detail, field="image_base64")


def not_an_image() -> RequestValidationError:
    """422: this is no image, or a broken one."""
    wrong = PydanticCustomError(
        "not_an_image", "Give a whole PNG, JPEG or WebP in base64, no data URL"
    )
    where = ("body", "image_base64")
    return RequestValidationError([{"type": wrong.type, "loc": where, "msg": wrong.message()}])
