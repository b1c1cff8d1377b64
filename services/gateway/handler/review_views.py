"""How reviews look to reviewers."""

from pydantic import AwareDatetime, Field

from services.gateway.handler.json_types import View
from shared.calls import Review, ReviewDecision, ReviewItem
from shared.content import Captions, Platform, Tier, Verdict


class ReviewList(View):
    """Some held pieces, those that wait longest first."""

    reviews: list[ReviewItem]
    next_cursor: str | None = Field(description="send it as `cursor` to go on; null at the end")


class OrderedView(View):
    """What was ordered."""

    tier: Tier
    platform: Platform
    template_id: str | None
    prompt: str
    negative_prompt: str


class ReviewView(View):
    """A piece that is or was held, with all that a reviewer needs to decide."""

    piece_id: str
    task_id: str
    avatar_id: str
    state: str = Field(description="of the piece; `pending_review` while it is held")
    ordered: OrderedView
    captions: Captions
    verdict: Verdict
    decisions: list[ReviewDecision]
    held_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="when it is rejected for want of a decision")
    image_url: str | None = Field(
        description="opens the held image for five minutes, for whoever has the link; null once "
        "the piece is no longer held, and in the answer to a decision"
    )
    thumbnail_url: str | None


def review_view(
    review: Review, image_url: str | None = None, thumbnail_url: str | None = None
) -> ReviewView:
    """A review as reviewers see it."""
    brief = review.brief
    return ReviewView(
        piece_id=review.piece_id,
        task_id=review.task_id,
        avatar_id=review.avatar_id,
        state=review.state,
        ordered=OrderedView(
            tier=brief.tier,
            platform=brief.platform,
            template_id=brief.template_id,
            prompt=brief.prompt,
            negative_prompt=brief.negative_prompt,
        ),
        captions=review.captions,
        verdict=review.verdict,
        decisions=list(review.decisions),
        held_at=review.held_at,
        expires_at=review.expires_at,
        image_url=image_url,
        thumbnail_url=thumbnail_url,
    )
