"""Progress: how far each piece has come, for its history and for those who watch."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from services.ledger.domain.progress import GENERATED, HOOKED, MODERATED
from services.ledger.ports import Happening, Progress
from shared.content import JudgeReport
from shared.events import ContentHooked, ContentModerated, ImageGenerated, PieceFact

_SCORES_NOTED = 3

Note = Callable[[Progress], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NoteGenerated:
    """Notes that an image exists."""

    note: Note

    async def __call__(self, event: ImageGenerated) -> None:
        made = event.generation
        detail: dict[str, object] = {
            "provider": made.provider,
            "attempt_id": made.attempt_id,
            "duration_ms": made.generation_time_ms,
            "degraded": made.degraded,
            "degraded_reason": made.degraded_reason,
            "level": made.level,
            "source": made.source,
            "cached_from": made.cached_from,
            "preview": made.preview,
        }
        await self.note(
            Progress(_happening(event, detail), GENERATED, image=event.image, generation=made)
        )


@dataclass(frozen=True, slots=True)
class NoteHooked:
    """Notes that captions are written."""

    note: Note

    async def __call__(self, event: ContentHooked) -> None:
        captions = event.captions
        detail: dict[str, object] = {
            "source": captions.source.value,
            "count": len(captions.hooks),
            "provider": captions.provider,
            "model": captions.model,
            "attempt_id": captions.attempt_id,
            "instead_of": captions.instead_of,
        }
        await self.note(Progress(_happening(event, detail), HOOKED))


@dataclass(frozen=True, slots=True)
class NoteModerated:
    """Notes what moderation said."""

    note: Note

    async def __call__(self, event: ContentModerated) -> None:
        verdict = event.verdict
        detail: dict[str, object] = {
            "decision": verdict.decision.value,
            "rating": verdict.rating.value,
            "tier": verdict.tier.value,
            "judge": verdict.judge,
            "reason": verdict.reason,
            "judges": [_briefly(report) for report in verdict.judges],
            "unscored": list(verdict.unscored),
            "blocked": verdict.blocked and verdict.blocked.value,
            "reviewers": list(verdict.reviewers),
        }
        await self.note(Progress(_happening(event, detail), MODERATED))


def _briefly(report: JudgeReport) -> dict[str, object]:
    """Who judged, and the scores that say most; the piece's verdict has all of them."""
    return {
        "judge": report.judge,
        "model": report.model,
        "image_scores": _highest(report.image_scores),
        "text_scores": _highest(report.text_scores),
    }


def _highest(scores: Mapping[str, float]) -> dict[str, float]:
    best = sorted(scores, key=lambda category: (-scores[category], category))[:_SCORES_NOTED]
    return {category: scores[category] for category in best}


def _happening(event: PieceFact, detail: dict[str, object]) -> Happening:
    return Happening(
        tenant=event.tenant,
        task_id=event.task_id,
        piece_id=event.piece_id,
        avatar_id=event.brief.avatar_id,
        run=event.run,
        fact=event.NAME,
        detail=detail,
    )
