"""How a piece ends: what a delivery or a halt means, given where the piece stands."""

from dataclasses import dataclass
from enum import StrEnum

from shared.content import BlockedOn, Decision, Rating, Tier, Verdict

PERSISTED = "persisted"
REJECTED = "rejected"
FAILED = "failed"
PENDING_REVIEW = "pending_review"

ENDED = frozenset({PERSISTED, REJECTED, FAILED})
SETTLED = ENDED | {PENDING_REVIEW}
"""States in which a task no longer waits for the piece."""

IMAGE_LOST = "image_lost"
"""A step has found the private bytes gone, as after the loss of the broker's store."""
MOST_RUNS_FOR_LOST_IMAGES = 3
"""A store that loses everything it is given must not cost without end."""

IN_REVIEW = "review:"
"""How the address of bytes begins that lie in the review store: they are no staged bytes."""

_NEVER_SHOWN = frozenset({Rating.REJECTED, Rating.PENDING_REVIEW})


class Fate(StrEnum):
    """What becomes of a delivery."""

    PERSIST = "persist"
    HOLD = "hold"
    REFUSE = "refuse"
    """The piece fails: its verdict does not allow this delivery."""
    WITHDRAW = "withdraw"
    """It came too late; its files must go."""
    KEEP = "keep"
    """It is the delivery that was recorded before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a piece stands; `object_key` is that of its recorded or held delivery.

    `reviewed`: people have decided about its bytes, or are about to. None but those may follow.
    """

    state: str
    current_run: int
    object_key: str | None = None
    reviewed: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether nothing that is still under way can change how the piece ends."""
        return self.state in SETTLED


def fate_of_delivery(
    piece: Standing | None, *, run: int, object_key: str, held: bool, flaw: str | None
) -> Fate:
    """Decide about a delivery of `run`; None stands for a piece deleted with its avatar."""
    if piece is None:
        return Fate.WITHDRAW
    if piece.object_key == object_key:
        # Also while an approval is under way: what is held has still to be delivered.
        return Fate.KEEP
    if piece.is_settled or run < piece.current_run:
        return Fate.WITHDRAW
    if flaw is not None:
        return Fate.REFUSE
    return Fate.HOLD if held else Fate.PERSIST


def flaw_of(
    verdict: Verdict, *, vouched: bool, source_sha256: str, held: bool, template_id: str | None
) -> str | None:
    """Why bytes with this hash must not be shown under this verdict; None if they may.

    Nothing goes on, not even into review, by a verdict that nobody vouches for. Moderation may be
    skipped only for pieces from a template in the lowest tier.
    """
    if not vouched:
        return "verdict_unsigned"
    if held:
        return None
    if not verdict.allows_delivery or verdict.rating in _NEVER_SHOWN:
        return "verdict_forbids"
    if verdict.image_sha256 != source_sha256:
        return "verdict_mismatch"
    skipped = verdict.decision is Decision.SKIPPED
    if skipped and (verdict.tier is not Tier.CAPA1 or template_id is None):
        return "skip_not_allowed"
    return None


def halt_ends_piece(piece: Standing | None, *, run: int) -> bool:
    """Whether a halt of `run` ends the piece, or comes too late to matter."""
    return piece is not None and not piece.is_settled and run >= piece.current_run


def is_made_again(piece: Standing | None, reason: str, *, run: int) -> bool:
    """Whether a halted piece gets another run: what was bought is lost, not wrong.

    Never after a review: people have decided about bytes, and others would have to be bought.
    """
    if piece is None or piece.reviewed:
        return False
    return reason == IMAGE_LOST and run < MOST_RUNS_FOR_LOST_IMAGES


def freezes_avatar(verdict: Verdict | None) -> bool:
    """Whether what was generated, not what was asked for, is under an absolute block."""
    if verdict is None or verdict.blocked is None:
        return False
    return verdict.blocked_on in {BlockedOn.CAPTIONS, BlockedOn.IMAGE}


def state_after_halt(verdict: Verdict | None) -> str:
    """A refusal by moderation is a rejection; whatever else stops a step is a failure."""
    if verdict is not None and verdict.decision is Decision.REJECTED:
        return REJECTED
    return FAILED


def task_state(*, persisted: int, pending_review: int, cancelled: bool) -> str:
    """How a task ends whose pieces are all settled; some content is enough to be completed."""
    if cancelled:
        return "cancelled"
    return "completed" if persisted + pending_review > 0 else "failed"
