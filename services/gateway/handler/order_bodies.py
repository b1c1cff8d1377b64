"""What clients send to order content."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from services.gateway.domain.planner import MAX_PIECES, TierRatios
from services.gateway.handler.json_types import Body
from shared.content import Platform, SubjectToken, Tier

DEFAULT_PIECES = 50


def _refuse(given: Any) -> None:
    if given is not None:
        raise PydanticCustomError("not_offered", "Not offered yet; leave it out")


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
NotOffered = Annotated[SkipJsonSchema[None], BeforeValidator(_refuse)]


class OrderBody(Body):
    """What every order says."""

    avatar_id: SubjectToken
    platform: Platform = Platform.INSTAGRAM
    include_hooks: bool = Field(default=True, description="write captions")
    safety_check: bool = Field(
        default=True,
        description="false: the images are not judged, where all of them are capa1 pieces by "
        "templates; other orders are refused. Prompts are screened in any case",
    )
    upload_to_storage: bool = Field(
        default=True,
        description="false: kept privately, shown as data URLs, as is everything where uploads are "
        "turned off; there, true is refused",
    )
    allow_degraded: bool | None = Field(
        default=None,
        description="whether an image without the avatar's likeness, or an earlier one, may stand "
        "in where nobody can make a better one; as the avatar's `generation_config` says unless "
        "given, and true where that says nothing",
    )
    callback_url: NotOffered = None
    priority: NotOffered = None


class GenerateBody(OrderBody):
    """One piece: in the client's words, by a template, or by the best suited template."""

    custom_prompt: Words | None = None
    template_id: Annotated[str, StringConstraints(max_length=64)] | None = None
    tier: Tier | None = Field(
        default=None, description="capa1 unless given; of the template where one is named"
    )
    seed: int | None = Field(default=None, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.custom_prompt is not None and self.template_id is not None:
            raise PydanticCustomError(
                "prompt_and_template", "Give custom_prompt or template_id, not both"
            )
        return self


class TierDistribution(Body):
    """Shares of a batch by tier; together 1 ± 0.001."""

    capa1_ratio: Ratio = 0.6
    capa2_ratio: Ratio = 0.3
    capa3_ratio: Ratio = 0.1

    def ratios(self) -> TierRatios:
        """The shares, checked. Raises PlanError."""
        return TierRatios(self.capa1_ratio, self.capa2_ratio, self.capa3_ratio)


class BatchBody(OrderBody):
    """Many pieces; custom prompts take the first places, templates by tier the rest."""

    num_pieces: int = Field(default=DEFAULT_PIECES, ge=1, le=MAX_PIECES)
    tier_distribution: TierDistribution = TierDistribution()
    custom_prompts: tuple[Words, ...] = Field(default=(), max_length=MAX_PIECES)
    custom_tiers: tuple[Tier, ...] = Field(
        default=(), max_length=MAX_PIECES, description="of the custom prompts; capa1 where missing"
    )
