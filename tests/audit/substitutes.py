"""Delivered pieces with an earlier image: it costs nothing, and is what it is said to be.

Its bytes are those of an earlier delivered piece of the same avatar, in the tier that was ordered,
which was itself made for its piece and is whole; the order takes less than it asked for, and the
piece is marked. What else came from no provider call was bought by nobody.
"""

from collections.abc import Iterator

from tests.audit.report import Violation
from tests.audit.rows import IMAGE, AttemptRow, ContentRow
from tests.audit.world import World

CACHED = "cached"

STANDING_IN_TAKES_S = 5.0
"""A success that is settled a moment before may not be known to whoever finds the substitute."""


def paid(world: World) -> Iterator[Violation]:
    """I2: it was not bought, and nothing that was bought for its piece was left lying."""
    for content in world.books.contents:
        if content.source != CACHED:
            continue
        if content.cost_usd_micros or content.attempt_id:
            detail = f"{content.cost_usd_micros} micro-dollars, attempt {content.attempt_id!r}"
            yield Violation("I2", "substitute_billed", content.content_id, detail)
        for row in world.attempts_of.get(content.content_id, ()):
            if _is_left_lying(world, row):
                detail = f"attempt {row.number} had succeeded"
                yield Violation("I2", "substituted_after_success", content.content_id, detail)


def _is_left_lying(world: World, row: AttemptRow) -> bool:
    if row.kind != IMAGE or row.outcome != "succeeded":
        return False
    if row.bytes_lost_at is not None or row.settled_at is None:
        return False
    begun = [
        fact.at
        for fact in world.facts_of.get(row.piece_id, ())
        if fact.fact == "image.generated"
        and (fact.part("generation").get("source") or "") == CACHED
    ]
    return not begun or row.settled_at + STANDING_IN_TAKES_S < max(begun)


def descent(world: World, content: ContentRow) -> Iterator[Violation]:
    """I5: whose bytes it has."""
    source = world.contents.get(content.cached_from or "")
    if source is None or source is content:
        yield _breach("substitute_of_nothing", content, f"cached from {content.cached_from}")
        return
    yield from _marked(world, content)
    if source.source != "generated" or source.degraded:
        yield _breach("substitute_of_less", content, f"{source.content_id} was less than ordered")
    if source.avatar_id != content.avatar_id or source.tier != _ordered_tier(world, content):
        yield _breach("substitute_of_another", content, f"{source.content_id}: {source.tier}")
    if source.delivered_at >= content.delivered_at:
        yield _breach("substitute_of_later", content, f"{source.content_id} was not there yet")
    if source.taken_down_at is not None and source.taken_down_at <= content.delivered_at:
        yield _breach("substitute_taken_down", content, f"{source.content_id} had been taken down")
    if content.source_sha256 != source.image_sha256:
        yield _breach("substitute_other_bytes", content, f"not those of {source.content_id}")


def _marked(world: World, content: ContentRow) -> Iterator[Violation]:
    if not content.degraded:
        yield _breach("substitute_unmarked", content, "it passes for what was ordered")
    piece = world.pieces.get(content.content_id)
    if piece is not None and piece.brief.get("allow_degraded") is False:
        yield _breach("substitute_unwanted", content, "the order takes nothing less")


def _ordered_tier(world: World, content: ContentRow) -> str:
    """Moderation may have raised the tier of the substitute since."""
    piece = world.pieces.get(content.content_id)
    return content.tier if piece is None else str(piece.brief.get("tier", content.tier))


def _breach(code: str, content: ContentRow, detail: str) -> Violation:
    return Violation("I5", code, content.content_id, detail)
