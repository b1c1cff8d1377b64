"""How avatars look to clients."""

from pydantic import AwareDatetime, Field

from services.gateway.handler.json_types import View
from shared.calls import AvatarMeta, Frozen, Likeness


class AvatarView(View):
    """An avatar."""

    id: str
    name: str
    user_id: str | None
    niche: str | None
    stage: str
    lora_weights_url: str | None = Field(description="key of the weights in the bucket")
    lora_model_id: str | None
    trigger_word: str | None
    base_prompt: str
    negative_prompt: str
    lora_scale: float
    likeness: Likeness | None
    adult_attested_at: AwareDatetime | None
    meta_data: AvatarMeta
    frozen: Frozen | None = Field(description="why nothing more is made, until it is unfrozen")
    blocked_by: list[str] = Field(description="codes of what keeps it from being used")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class AvatarList(View):
    """Some avatars, newest first."""

    avatars: list[AvatarView]
    next_cursor: str | None = Field(description="send it as `cursor` to go on; null at the end")


class DeletedView(View):
    """What a deletion took along."""

    avatar_id: str
    deleted_pieces: int


class Reason(View):
    """Why an avatar cannot be used."""

    code: str
    detail: str


class BlockedAvatar(View):
    """An avatar that no piece can be ordered of."""

    avatar_id: str
    name: str
    stage: str
    reasons: list[Reason]


class ReadinessView(View):
    """Which avatars can be used, and what keeps the others."""

    total: int
    ready: int
    blocked: list[BlockedAvatar]
