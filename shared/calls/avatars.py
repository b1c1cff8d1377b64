"""Avatars: recorded, listed, changed, deleted."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from shared.calls.base import Asked
from shared.content import BucketKey, SubjectToken, Value
from shared.rpc import Call

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Likeness(Value):
    """Whose face the avatar wears. A consented person needs a name and somebody who attested it."""

    kind: Literal["synthetic", "consented_person"]
    name: str | None = None
    reference: str | None = None
    attested_by: str | None = None
    attested_at: AwareDatetime | None = None


class GenerationConfig(Value):
    """The avatar's own settings; None means the default (28 steps, cfg 5.5, degraded allowed)."""

    steps: int | None = Field(default=None, ge=20, le=50)
    cfg_scale: float | None = Field(default=None, ge=1, le=20)
    scheduler: str | None = Field(
        default=None,
        max_length=64,
        description="the sampler of our own engine: `euler` unless given, `euler_ancestral` or "
        "`dpmpp_2m`, or what diffusers, ComfyUI or the web UIs call them",
    )
    allow_degraded: bool | None = Field(
        default=None, description="for orders that do not say so themselves"
    )


class Personality(Value):
    """How captions sound."""

    tone: str | None = Field(default=None, max_length=64)
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")


class AvatarMeta(Value):
    """What else is known about an avatar."""

    personality: Personality = Personality()
    generation_config: GenerationConfig = GenerationConfig()


class AvatarFields(Value):
    """What a client may say about an avatar; None leaves a field as it is."""

    name: Name | None = None
    user_id: Annotated[str, StringConstraints(max_length=120)] | None = None
    niche: Annotated[str, StringConstraints(max_length=64)] | None = None
    stage: Literal["draft", "training", "ready", "blocked"] | None = None
    lora_weights_url: BucketKey | None = None
    lora_model_id: Annotated[str, StringConstraints(max_length=120)] | None = None
    trigger_word: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ -]{1,64}$")] | None = None
    base_prompt: Text | None = None
    negative_prompt: Text | None = None
    lora_scale: float | None = Field(default=None, ge=0, le=1)
    likeness: Likeness | None = None
    adult_attested_at: AwareDatetime | None = None
    meta_data: AvatarMeta | None = None


class Frozen(Value):
    """Why nothing more is made for an avatar, until an administrator unfreezes it."""

    at: AwareDatetime
    reason: str
    piece_id: str | None = Field(default=None, description="whose image or captions were blocked")


class Avatar(Value):
    """An avatar as it is recorded."""

    id: str
    tenant: SubjectToken
    name: str
    user_id: str | None = None
    niche: str | None = None
    stage: str
    lora_weights_url: str | None = None
    lora_model_id: str | None = None
    trigger_word: str | None = None
    base_prompt: str = ""
    negative_prompt: str = ""
    lora_scale: float = 0.9
    likeness: Likeness | None = None
    adult_attested_at: AwareDatetime | None = None
    meta_data: AvatarMeta = AvatarMeta()
    frozen: Frozen | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CreateAvatar(Asked):
    """Record an avatar. The id is made at the door, so that asking twice makes one."""

    avatar_id: SubjectToken
    fields: AvatarFields


class AvatarRef(Asked):
    """One avatar."""

    avatar_id: SubjectToken


class ChangeAvatar(AvatarRef):
    """Change the given fields; those in `clear` become empty."""

    fields: AvatarFields
    clear: tuple[str, ...] = ()
    handed_over_at: AwareDatetime | None = Field(
        default=None,
        description="of a handover by event: one that is older than the last changes nothing",
    )


class UnfreezeAvatar(AvatarRef):
    """Let an avatar be used again. It is kept who did so, and why."""

    by: SubjectToken = Field(description="id of the API key that asks")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class ListAvatars(Asked):
    """Avatars, newest first."""

    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


class AvatarPage(Value):
    """Some avatars, and where to go on."""

    avatars: tuple[Avatar, ...]
    next_cursor: str | None = None


class Deleted(Value):
    """What a deletion took along."""

    pieces: int


CREATE_AVATAR = Call("ledger.avatar.create", CreateAvatar, Avatar)
GET_AVATAR = Call("ledger.avatar.get", AvatarRef, Avatar)
LIST_AVATARS = Call("ledger.avatar.list", ListAvatars, AvatarPage)
CHANGE_AVATAR = Call("ledger.avatar.change", ChangeAvatar, Avatar)
UNFREEZE_AVATAR = Call("ledger.avatar.unfreeze", UnfreezeAvatar, Avatar)
DELETE_AVATAR = Call("ledger.avatar.delete", AvatarRef, Deleted)
