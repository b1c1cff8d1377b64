"""What clients send about avatars."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.gateway.handler.json_types import Body
from shared.calls import AvatarFields, AvatarMeta, GenerationConfig, Likeness, Personality
from shared.calls.avatars import Name
from shared.content import BucketKey
from shared.samplers import SamplerName, sampler_called

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

_STRICT = ConfigDict(extra="forbid")
# These always have a value; the rest can be emptied by sending null.
_ALWAYS_SET = frozenset({"name", "stage", "lora_scale", "meta_data"})


def _never_null(schema: dict[str, Any]) -> None:
    """Let the document say so too."""
    for name in _ALWAYS_SET:
        field = schema["properties"][name]
        field.pop("default", None)
        for allowed in field.pop("anyOf", ()):
            if allowed.get("type") != "null":
                field.update(allowed)


class LikenessBody(Body, Likeness):
    """Whose face the avatar wears; a real person's needs their name and an attested consent."""

    model_config = _STRICT

    name: Note | None = None
    reference: Note | None = None
    attested_by: Note | None = None

    @model_validator(mode="after")
    def _consent_is_attested(self) -> Self:
        if self.kind == "consented_person" and not (
            self.name and self.attested_by and self.attested_at
        ):
            raise PydanticCustomError(
                "consent_not_attested",
                "A consented person needs name, attested_by and attested_at",
            )
        return self


class GenerationConfigBody(Body, GenerationConfig):
    """The avatar's own settings for its images."""

    model_config = _STRICT

    @field_validator("scheduler")
    @classmethod
    def _is_a_sampler(cls, name: str | None) -> str | None:
        if name is not None and sampler_called(name) is None:
            raise PydanticCustomError(
                "unknown_sampler", "There are: {known}", {"known": ", ".join(SamplerName)}
            )
        return name


class PersonalityBody(Body, Personality):
    """How captions sound."""

    model_config = _STRICT


class AvatarMetaBody(Body, AvatarMeta):
    """Replaced as a whole when given."""

    model_config = _STRICT

    personality: PersonalityBody = PersonalityBody()
    generation_config: GenerationConfigBody = GenerationConfigBody()


class ChangeAvatarBody(Body, AvatarFields):
    """The fields to change; null empties a field."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_never_null)

    lora_weights_url: BucketKey | None = Field(
        default=None,
        description="key of the weights in the bucket, never a URL",
        examples=["loras/luna/v3.safetensors"],
    )
    r2_path: BucketKey | None = Field(
        default=None, description="another name for `lora_weights_url`"
    )
    likeness: LikenessBody | None = None
    meta_data: AvatarMetaBody | None = None

    @model_validator(mode="after")
    def _is_one_key(self) -> Self:
        keys = {key for key in (self.lora_weights_url, self.r2_path) if key is not None}
        if len(keys) > 1:
            raise PydanticCustomError(
                "two_keys", "lora_weights_url and r2_path name different keys; send one"
            )
        if any(part in {"", ".", ".."} for key in keys for part in key.split("/")):
            raise PydanticCustomError("not_a_key", "A bucket key has no empty or dotted parts")
        return self

    @model_validator(mode="after")
    def _keeps_what_is_needed(self) -> Self:
        for field in sorted(_ALWAYS_SET & self.model_fields_set):
            if getattr(self, field) is None:
                raise PydanticCustomError(
                    "not_empty", "{field} cannot be emptied", {"field": field}
                )
        return self

    def as_fields(self) -> AvatarFields:
        """What was given, under the names that the ledger knows."""
        given: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"r2_path"})
        if self.r2_path is not None:
            given["lora_weights_url"] = self.r2_path
        return AvatarFields.model_validate(given)

    def cleared(self) -> tuple[str, ...]:
        """The fields that were given as null."""
        named = {
            "lora_weights_url" if field == "r2_path" else field
            for field in self.model_fields_set
            if getattr(self, field) is None
        }
        if self.lora_weights_url or self.r2_path:
            named.discard("lora_weights_url")
        return tuple(sorted(named))


class CreateAvatarBody(ChangeAvatarBody):
    """A new avatar."""

    name: Name
