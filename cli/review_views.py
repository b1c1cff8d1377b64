"""How a review looks to a person."""

from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("piece", "tier", "since", "agreed", "reason")
SCORES = ("category", "judge", "image", "text")
NOT_JUDGED = "not judged"


def row(review: Mapping[str, Any]) -> tuple[str, ...]:
    """One line of the list: so few columns that an id fits beside them."""
    block = f"absolute block ({review['blocked']}): " if review["blocked"] else ""
    return (
        review["piece_id"],
        review["tier"],
        review["held_at"][:10],
        f"{review['approvals']}/{review['approvals_needed']}",
        f"{block}{review['reason']}",
    )


def facts(review: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known about a held piece, but for scores and decisions."""
    ordered, verdict = review["ordered"], review["verdict"]
    return [
        ("piece", review["piece_id"]),
        ("task", review["task_id"]),
        ("avatar", review["avatar_id"]),
        ("state", review["state"]),
        ("waits since", moment(review["held_at"])),
        ("rejected on", moment(review["expires_at"])),
        ("tier", f"{ordered['tier']} ordered, {verdict['tier']} judged"),
        ("platform", ordered["platform"]),
        ("prompt", ordered["prompt"]),
        ("avoided", ordered["negative_prompt"]),
        *(("caption", hook) for hook in review["captions"]["hooks"]),
        ("judged by", f"{verdict['judge']}, policy {verdict['policy_version']}"),
        ("reason", verdict["reason"]),
        ("block", _block(verdict)),
        ("approvals needed", str(verdict["approvals_needed"])),
    ]


def scores(verdict: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Each category with what each judge gave it; those that nobody could score come first."""
    unscored = [(category, "", NOT_JUDGED, NOT_JUDGED) for category in verdict["unscored"]]
    return unscored + sorted(_scored(verdict["judges"]))


def decisions(review: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Who has decided what, and why."""
    return [
        (
            each["decision"],
            each["by"],
            moment(each["at"]),
            each["rating"] or "",
            each["reason"] or "",
        )
        for each in review["decisions"]
    ]


def moment(text: str) -> str:
    """A moment to the minute, in UTC as it was told."""
    return text[:16].replace("T", " ")


def score(given: Mapping[str, float], category: str) -> str:
    """A score as people read it; empty where there is none."""
    return f"{given[category]:.3f}" if category in given else ""


def _scored(judges: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    for judge in judges:
        image, text = judge["image_scores"], judge["text_scores"]
        for category in image.keys() | text.keys():
            yield category, judge["judge"], score(image, category), score(text, category)


def _block(verdict: Mapping[str, Any]) -> str:
    if verdict["blocked"] is None:
        return ""
    return (
        f"{verdict['blocked']}, found on the {verdict['blocked_on'] or 'piece'}; cannot be approved"
    )
