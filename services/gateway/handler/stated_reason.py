"""What somebody has to say who does what others will ask about."""

from services.gateway.handler.json_types import Body
from shared.calls.reviews import ReviewReason


class StatedReason(Body):
    """Why."""

    reason: ReviewReason
