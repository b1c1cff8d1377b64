"""Earlier images that stand in: chosen by the ledger, copied into staging by storage."""

from services.generator.ports import Substitute
from shared.calls import FIND_SUBSTITUTE, LEND_BYTES, FindSubstitute, LendBytes
from shared.content import Generation
from shared.events import ContentRequested
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Caller


class LedgerSubstitutes:
    """Asks both. What storage no longer has is no substitute."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def find(self, event: ContentRequested, *, own_only: bool = False) -> Substitute | None:
        wanted = FindSubstitute(
            tenant=event.tenant,
            task_id=event.task_id,
            piece_id=event.piece_id,
            run=event.run,
            own_only=own_only,
        )
        try:
            found = await self._call(FIND_SUBSTITUTE, wanted)
        except Problem as problem:
            raise TryLater(problem.details.detail) from problem
        if found.generation is None:
            return None
        if found.image is not None:
            return Substitute(None, found.image, found.generation)
        if found.piece_id is None or found.object_key is None:
            return None
        return await self._lent(event, found.piece_id, found.object_key, found.generation)

    async def _lent(
        self, event: ContentRequested, piece_id: str, key: str, generation: Generation
    ) -> Substitute | None:
        wish = LendBytes(tenant=event.tenant, key=key, name=event.piece_id)
        try:
            lent = await self._call(LEND_BYTES, wish)
        except Problem:
            return None
        return Substitute(piece_id, lent.image, generation)
