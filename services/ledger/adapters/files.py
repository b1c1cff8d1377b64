"""Files in the store of objects that no piece has."""

from sqlalchemy import select

from services.ledger.adapters.conditions import among
from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import content_pieces, pieces
from services.ledger.domain.files import Owner
from shared.calls.files import FindUnowned, UnownedFiles


class Files:
    """The book of files, all tenants together: who asks has nothing but their names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unowned(self, request: FindUnowned) -> UnownedFiles:
        """Which of them no piece has, nor can come to have: also those of pieces that are gone."""
        owners = await self._owners({file.piece_id for file in request.files})
        return UnownedFiles(
            keys=tuple(
                file.key
                for file in request.files
                if file.piece_id not in owners or not owners[file.piece_id].has(file.key)
            )
        )

    async def _owners(self, piece_ids: set[str]) -> dict[str, Owner]:
        shown = (content_pieces.c.id == pieces.c.content_id) & (
            content_pieces.c.taken_down_at.is_(None)
        )
        query = (
            select(pieces.c.id, pieces.c.ended_at, content_pieces.c.object_key)
            .outerjoin(content_pieces, shown)
            .where(among(pieces.c.id, piece_ids))
        )
        async with self._database.read() as connection:
            found = await connection.execute(query)
            return {row.id: Owner(row.ended_at is not None, row.object_key) for row in found}
