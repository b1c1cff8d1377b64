"""What the ledger knows of pieces."""

from collections.abc import Collection

from services.storage.domain import piece_of_key
from shared.calls import FIND_ENDED, FindEnded
from shared.calls.files import FIND_UNOWNED, FindUnowned, ListedFile
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Caller


class LedgerPieces:
    """Asks the ledger which pieces have ended."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def __call__(self, piece_ids: Collection[str]) -> Collection[str]:
        try:
            return (await self._call(FIND_ENDED, FindEnded(piece_ids=tuple(piece_ids)))).piece_ids
        except Problem as problem:
            raise TryLater(problem.details.detail) from problem


class LedgerFiles:
    """Asks the ledger which files no piece has. A key that is not ours to judge is somebody's."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def __call__(self, keys: Collection[str]) -> Collection[str]:
        files = tuple(
            ListedFile(piece_id=piece_id, key=key)
            for key in keys
            if (piece_id := piece_of_key(key)) is not None
        )
        if not files:
            return ()
        try:
            return (await self._call(FIND_UNOWNED, FindUnowned(files=files))).keys
        except Problem as problem:
            raise TryLater(problem.details.detail) from problem
