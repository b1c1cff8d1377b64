"""What happened to each piece: a row a fact, the same fact once."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.rowsets import inserting
from services.ledger.adapters.schema import piece_events
from services.ledger.ports import Happening
from shared.events import FACTS

_COLUMNS = ("tenant", "task_id", "piece_id", "avatar_id", "run", "fact", "detail")
# What is no fact of the broker, such as that a piece is held, follows from one.
_ORDER = {fact.NAME: place for place, fact in enumerate(FACTS)}


def remembering(*conditions: ColumnElement[bool]) -> Insert:
    """Add `happenings` to the history, the rows that `happened` gives; see `inserting`."""
    rows = inserting("happenings", piece_events, _COLUMNS, *conditions)
    return rows.on_conflict_do_nothing()


REMEMBER = remembering()


async def remember(connection: AsyncConnection, happenings: Iterable[Happening]) -> None:
    """Add to the history; what it holds already stays as it was."""
    if rows := happened(happenings):
        await connection.execute(REMEMBER, {"happenings": rows})


def happened(happenings: Iterable[Happening]) -> list[dict[str, object]]:
    """Rows of the history in the order of a piece's way, which its history shows.

    It is one order, so that two transactions about the same facts cannot wait for each other.
    """
    ordered = sorted(happenings, key=_place)
    return [{name: getattr(each, name) for name in _COLUMNS} for each in ordered]


def _place(happening: Happening) -> tuple[str, int, int, str]:
    order = _ORDER.get(happening.fact, len(_ORDER))
    return happening.piece_id, happening.run, order, happening.fact
