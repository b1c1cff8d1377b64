"""Files in the store of objects that no piece has."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select

from services.ledger.adapters.conditions import among
from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import content_pieces, pieces
from services.ledger.domain.files import Belonging, Owner
from shared.calls import PieceRef
from shared.calls.files import FindUnowned, ListedFile, UnownedFiles


class Files:
    """The book of files, all tenants together: who asks has nothing but their names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unowned(self, request: FindUnowned) -> UnownedFiles:
        """Which of them no piece has, nor can come to have: also those of pieces that are gone."""
        rows = await self._rows({file.piece_id for file in request.files})
        sorted_out: defaultdict[Belonging, list[ListedFile]] = defaultdict(list)
        for file in request.files:
            sorted_out[_belonging(file, rows)].append(file)
        unfinished = {file.piece_id for file in sorted_out[Belonging.UNFINISHED]}
        return UnownedFiles(
            keys=tuple(file.key for file in sorted_out[Belonging.UNOWNED]),
            elsewhere=tuple(sorted_out[Belonging.ELSEWHERE]),
            unfinished=tuple(
                PieceRef(tenant=rows[ident].tenant, piece_id=ident) for ident in sorted(unfinished)
            ),
        )

    async def _rows(self, piece_ids: set[str]) -> dict[str, Row[Any]]:
        shown = (content_pieces.c.id == pieces.c.content_id) & (
            content_pieces.c.taken_down_at.is_(None)
        )
        columns = (content_pieces.c[name] for name in ("object_key", "public", "uploaded"))
        query = (
            select(pieces.c.id, pieces.c.tenant, pieces.c.ended_at, *columns)
            .outerjoin(content_pieces, shown)
            .where(among(pieces.c.id, piece_ids))
        )
        async with self._database.read() as connection:
            return {row.id: row for row in await connection.execute(query)}


def _belonging(file: ListedFile, rows: Mapping[str, Row[Any]]) -> Belonging:
    row = rows.get(file.piece_id)
    if row is None:
        return Belonging.UNOWNED
    owner = Owner(
        row.ended_at is not None,
        row.object_key,
        public=bool(row.public),
        uploaded=row.uploaded is not False,
    )
    return owner.belonging(file.key, file.area)
