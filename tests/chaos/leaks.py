"""What might leak to a stranger: hashes of staged images, true keys of delivered files."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.chaos.endpoint import AWAY
from tests.chaos.names import Staged

LOOK_EVERY_S = 1.0
AT_A_TIME = 200

# Newest first: what is in the making is what must not be seen yet.
_STAGED = """
    SELECT attempt_id AS id, avatar_id, piece_id, run, image ->> 'sha256' AS sha256
    FROM attempts WHERE image IS NOT NULL AND attempt_id <> ALL ($1)
    ORDER BY settled_at DESC LIMIT $2
"""
_DELIVERED = """
    SELECT id, avatar_id, object_key, thumbnail_key FROM content_pieces WHERE id <> ALL ($1)
    UNION ALL
    SELECT id, avatar_id,
      held #>> '{delivery,object_key}', held #>> '{delivery,thumbnail_key}'
    FROM pieces WHERE held IS NOT NULL AND id <> ALL ($1)
    LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that a stranger has learned of a piece."""

    avatar_id: str
    piece_id: str
    staged: Staged | None = None
    keys: tuple[str, ...] = ()


class Leaks:
    """Reads them from the database, whenever that is there."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._staged: set[str] = set()
        self._delivered: set[str] = set()

    async def __aiter__(self) -> AsyncIterator[list[Leak]]:
        """What is new, again and again."""
        while True:
            try:
                connection = await asyncpg.connect(self._database_url, timeout=2)
                try:
                    while True:
                        yield await self._new(connection)
                        await asyncio.sleep(LOOK_EVERY_S)
                finally:
                    connection.terminate()
            except AWAY:
                await asyncio.sleep(LOOK_EVERY_S)  # it was killed, and will be back

    async def _new(self, connection: Any) -> list[Leak]:
        staged = await connection.fetch(_STAGED, list(self._staged), AT_A_TIME)
        delivered = await connection.fetch(_DELIVERED, list(self._delivered), AT_A_TIME)
        self._staged.update(row["id"] for row in staged)
        self._delivered.update(row["id"] for row in delivered)
        return [*map(_staged, staged), *map(_delivered, delivered)]


def _staged(row: Mapping[str, Any]) -> Leak:
    return Leak(row["avatar_id"], row["piece_id"], Staged(row["run"], row["sha256"]))


def _delivered(row: Mapping[str, Any]) -> Leak:
    return Leak(row["avatar_id"], row["id"], keys=(row["object_key"], row["thumbnail_key"]))
