"""What the ledger knows of pieces."""

from collections.abc import Collection

from shared.calls import FIND_ENDED, FindEnded
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
