"""How pieces look to clients."""

from typing import Literal

from pydantic import AwareDatetime, Field

from services.gateway.handler.json_types import JsonDecimal, View
from shared.calls.attempts import AttemptKind
from shared.content import MadeWith, Rating, Tier


class GenerationParams(View):
    """What the image was made with: enough to make it again."""

    prompt: str
    seed: int | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    width: int | None = Field(default=None, description="pixels")
    height: int | None = Field(default=None, description="pixels")
    lora_scale: float | None = None
    made_with: MadeWith | None = Field(
        default=None, description="where its maker tells: the same on it gives the same image"
    )


class PieceMetadata(View):
    """How a piece came to be and what it cost."""

    generation_params: GenerationParams
    generation_time: JsonDecimal | None = Field(default=None, description="seconds")
    cost: JsonDecimal = Field(description="USD, all attempts")
    provider: str | None = None
    model: str | None = None
    degraded: bool = Field(default=False, description="less than what was asked for")
    degraded_reason: Literal["no_lora", "cached"] | None = Field(
        default=None,
        description="`no_lora`: without the avatar's own weights; `cached`: an earlier image",
    )
    level: int | None = Field(
        default=None, description="1: as wanted; 2: by a fallback; 3: an earlier image"
    )
    source: Literal["generated", "cached"] | None = None
    cached_from: str | None = Field(
        default=None, description="the earlier piece whose image this is"
    )
    preview: bool = Field(default=False, description="drawn as a placeholder")
    hooks: tuple[str, ...] = Field(default=(), description="all captions; the first is `hook_text`")
    hooks_source: str | None = Field(
        default=None,
        description="who wrote them: `model`, `template`, or `skipped` where nobody was to",
        examples=["model"],
    )
    hooks_provider: str | None = Field(default=None, description="whose model it was")
    hooks_model: str | None = None
    hooks_instead_of: str | None = Field(
        default=None,
        description="why written captions stand where a model's were wanted",
        examples=["unavailable"],
    )
    template_id: str | None = None
    platform: str
    task_id: str


class ContentPiece(View):
    """A finished piece of content."""

    id: str
    avatar_id: str
    content_type: str = Field(examples=["image"])
    access_tier: Tier
    url: str | None = Field(
        description="open, or a signed link that expires; a data URL where it was not uploaded"
    )
    thumbnail_url: str | None = None
    hook_text: str | None = None
    safety_rating: Rating | None = None
    explicitness_level: int | None = Field(default=None, description="1 to 10")
    price_usd: JsonDecimal | None = None
    created_at: AwareDatetime
    published_at: AwareDatetime | None = None
    near_duplicate_of: str | None = Field(
        default=None, description="an earlier piece of the same avatar that looks the same"
    )
    taken_down_at: AwareDatetime | None = Field(
        default=None, description="since when nobody may see it; then it has no url"
    )
    metadata: PieceMetadata


class ContentPage(View):
    """Some pieces, newest first."""

    content: list[ContentPiece]
    next_cursor: str | None = Field(description="send it as `cursor` to go on; null at the end")


class TimelineView(View):
    """Something that happened to a piece."""

    at: AwareDatetime
    run: int
    fact: str
    detail: dict[str, object]


class AttemptView(View):
    """A call to a provider."""

    attempt_id: str
    number: int
    run: int
    kind: AttemptKind = Field(description="what was to be bought")
    provider: str
    outcome: str
    error_code: str | None
    duration: JsonDecimal | None = Field(description="seconds")
    cost: JsonDecimal = Field(description="USD")
    opened_at: AwareDatetime
    settled_at: AwareDatetime | None


class PieceStory(ContentPiece):
    """A piece with all that happened to it, finished or not."""

    state: str
    index: int
    run: int
    reason: str | None = Field(description="why it did not become content")
    detail: str | None
    verdict_reason: str | None
    ended_at: AwareDatetime | None
    timeline: list[TimelineView]
    attempts: list[AttemptView]


class StatsView(View):
    """Totals of an avatar."""

    avatar_id: str
    total_pieces: int
    tiers: dict[str, int]
    ratings: dict[str, int]
    states: dict[str, int]
    total_cost: JsonDecimal = Field(description="USD")
    average_cost: JsonDecimal = Field(description="USD a piece")
    total_generation_time: JsonDecimal = Field(description="seconds")
    average_generation_time: JsonDecimal = Field(description="seconds a piece")
    first_at: AwareDatetime | None
    last_at: AwareDatetime | None
