"""Progress of pieces, many at a time."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ARRAY, Integer, Text, Update, bindparam, case, func, select, update

from services.ledger.adapters.attempt_locks import attempts_held
from services.ledger.adapters.conditions import UNDER_WAY, named
from services.ledger.adapters.database import Database
from services.ledger.adapters.history import REMEMBER, happened
from services.ledger.adapters.rowsets import rows_in
from services.ledger.adapters.schema import attempts, pieces
from services.ledger.domain.progress import STATES
from services.ledger.ports import Progress


def _moving() -> Update:
    these, ranks = bindparam("these", type_=ARRAY(Text)), bindparam("ranks", type_=ARRAY(Integer))
    news = func.unnest(these, ranks).table_valued("id", "reached", name="news").render_derived()
    # In the order of ids, so that two batches about the same pieces cannot wait for each other.
    held = (
        select(pieces.c.id)
        .where(named(pieces.c.id, "these"))
        .order_by(pieces.c.id)
        .with_for_update(key_share=True)
        .cte("held")
    )
    forwards = UNDER_WAY & (news.c.reached > pieces.c.reached)
    names = case(dict(enumerate(STATES)), value=news.c.reached)
    return (
        update(pieces)
        .where(pieces.c.id == news.c.id, pieces.c.id == held.c.id)
        .values(
            state=case((forwards, names), else_=pieces.c.state),
            reached=func.greatest(pieces.c.reached, news.c.reached),
            begun_at=func.coalesce(pieces.c.begun_at, func.clock_timestamp()),
            progressed_at=func.clock_timestamp(),
        )
    )


def _noting_images() -> Update:
    held = attempts_held("made_by")
    made = rows_in("made", attempts, ("attempt_id", "piece_id", "image", "generation"))
    return (
        update(attempts)
        .where(attempts.c.attempt_id == held.c.attempt_id, attempts.c.image.is_(None))
        .where(attempts.c.attempt_id == made.c.attempt_id, attempts.c.piece_id == made.c.piece_id)
        .values(image=made.c.image, generation=made.c.generation)
    )


# The settlement travels on another stream and may come later, or after the piece has ended.
_NOTE = _moving().add_cte(REMEMBER.cte("remembered"), _noting_images().cte("images_noted"))


class Notes:
    """The progress book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, steps: Sequence[Progress]) -> None:
        """Note steps in any order, each once; a piece never moves backwards."""
        ranks = _furthest(steps)
        made = _made(steps)
        parameters = {
            "these": list(ranks),
            "ranks": list(ranks.values()),
            "happenings": happened(step.happening for step in steps),
            "made": made,
            "made_by": [row["attempt_id"] for row in made],
        }
        await self._database.do(_NOTE, parameters)


def _furthest(steps: Sequence[Progress]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for step in steps:
        piece_id = step.happening.piece_id
        ranks[piece_id] = max(step.reached, ranks.get(piece_id, 0))
    return ranks


def _made(steps: Iterable[Progress]) -> list[dict[str, object]]:
    return [
        {
            "attempt_id": step.generation.attempt_id,
            "piece_id": step.happening.piece_id,
            "image": step.image.model_dump(mode="json"),
            "generation": step.generation.model_dump(mode="json"),
        }
        for step in steps
        if step.image is not None and step.generation is not None and step.generation.attempt_id
    ]
