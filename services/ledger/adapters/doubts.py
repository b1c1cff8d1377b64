"""What stands against deliveries: what was ordered, whose word counts, what was taken down."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.images import like_taken_down
from services.ledger.adapters.piece_locks import LockedPieces
from services.ledger.domain.endings import flaw_of
from services.ledger.domain.freezing import FROZEN
from shared.content import Brief
from shared.events import ContentStored
from shared.signing import VerdictKeys


@dataclass(frozen=True, slots=True)
class Doubts:
    """Whose verdicts count, pieces that look taken down, avatars that are frozen."""

    keys: VerdictKeys
    locked: LockedPieces
    taken_down: frozenset[str]
    frozen: frozenset[str]

    def about(self, event: ContentStored) -> str | None:
        """Why a delivery must not be shown; None if it may."""
        if not self._is_ordered(event):
            return "brief_mismatch"
        held = event.delivery.held
        flaw = flaw_of(
            event.verdict,
            vouched=self.keys.vouch_for(event, event.verdict),
            source_sha256=event.delivery.source_sha256,
            held=held,
            template_id=event.brief.template_id,
        )
        if flaw is not None or held:
            return flaw
        if event.piece_id in self.taken_down:
            return "image_taken_down"
        return FROZEN if event.brief.avatar_id in self.frozen else None

    def _is_ordered(self, event: ContentStored) -> bool:
        piece = self.locked.get(event.piece_id)
        if piece is None:
            return True  # nothing is recorded for it
        if piece["task_id"] != event.task_id or piece["avatar_id"] != event.brief.avatar_id:
            return False
        # As values: what a release adds to briefs is not in those that were ordered before.
        return Brief.model_validate(piece["brief"]) == event.brief


async def doubts_about(
    connection: AsyncConnection,
    events: Sequence[ContentStored],
    *,
    keys: VerdictKeys,
    locked: LockedPieces,
    frozen: frozenset[str],
) -> Doubts:
    """Look for what stands against these deliveries; their pieces and avatars are locked."""
    return Doubts(keys, locked, await like_taken_down(connection, events), frozen)
