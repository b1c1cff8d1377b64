"""Progress of pieces, many at a time."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from sqlalchemy import ARRAY, Integer, Text, Update, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.conditions import UNDER_WAY, named
from services.ledger.adapters.database import Database
from services.ledger.adapters.history import remember
from services.ledger.adapters.schema import attempts, pieces
from services.ledger.domain.progress import STATES
from services.ledger.ports import Progress

# In the order of ids, so that two batches about the same pieces cannot wait for each other.
_LOCK = (
    select(pieces.c.id)
    .where(named(pieces.c.id, "these"))
    .order_by(pieces.c.id)
    .with_for_update(key_share=True)
)
_NOTE_IMAGE = (
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("made_by"))
    .where(attempts.c.piece_id == bindparam("piece"), attempts.c.image.is_(None))
    .values(image=bindparam("image"), generation=bindparam("generation"))
)


def _moving() -> Update:
    these, ranks = bindparam("these", type_=ARRAY(Text)), bindparam("ranks", type_=ARRAY(Integer))
    news = func.unnest(these, ranks).table_valued("id", "reached", name="news").render_derived()
    forwards = UNDER_WAY & (news.c.reached > pieces.c.reached)
    names = case(dict(enumerate(STATES)), value=news.c.reached)
    return (
        update(pieces)
        .where(pieces.c.id == news.c.id)
        .values(
            state=case((forwards, names), else_=pieces.c.state),
            reached=func.greatest(pieces.c.reached, news.c.reached),
            begun_at=func.coalesce(pieces.c.begun_at, func.clock_timestamp()),
            progressed_at=func.clock_timestamp(),
        )
    )


_MOVE = _moving()


class Notes:
    """The progress book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, steps: Sequence[Progress]) -> None:
        """Note steps in any order, each once; a piece never moves backwards."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            ranks = _furthest(steps)
            await _lock(connection, ranks)
            await remember(connection, [step.happening for step in steps])
            await _move_pieces(connection, ranks)
            await _note_images(connection, steps)


def _furthest(steps: Sequence[Progress]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for step in steps:
        piece_id = step.happening.piece_id
        ranks[piece_id] = max(step.reached, ranks.get(piece_id, 0))
    return ranks


async def _lock(connection: AsyncConnection, piece_ids: Iterable[str]) -> None:
    await connection.execute(_LOCK, {"these": list(piece_ids)})


async def _move_pieces(connection: AsyncConnection, ranks: dict[str, int]) -> None:
    await connection.execute(_MOVE, {"these": list(ranks), "ranks": list(ranks.values())})


async def _note_images(connection: AsyncConnection, steps: Sequence[Progress]) -> None:
    # The settlement travels on another stream and may come later, or after the piece has ended.
    rows = [
        {
            "made_by": step.generation.attempt_id,
            "piece": step.happening.piece_id,
            "image": step.image.model_dump(mode="json"),
            "generation": step.generation.model_dump(mode="json"),
        }
        for step in steps
        if step.image is not None and step.generation is not None and step.generation.attempt_id
    ]
    if not rows:
        return
    # In the one order of all that hold several attempts.
    await connection.execute(_NOTE_IMAGE, sorted(rows, key=itemgetter("made_by")))
