"""What a freeze means: nothing more is made for the avatar until a person lifts it."""

from shared.problems import Problem

FROZEN = "frozen"
"""Why pieces end that were under way."""


def avatar_frozen(detail: str) -> Problem:
    """What is refused for as long as an avatar is frozen."""
    return Problem(403, "avatar_frozen", detail, field="avatar_id")
