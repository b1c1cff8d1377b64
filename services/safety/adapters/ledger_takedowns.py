"""What was taken down, as the ledger knows it."""

from shared.calls import MATCH_IMAGE, MatchImage
from shared.content import ImagePrint, Sha256
from shared.rpc import Caller


class LedgerTakedowns:
    """Asks the ledger. No answer is no leave: the piece waits."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def like(self, tenant: str, sha256: Sha256, image_print: ImagePrint | None) -> str | None:
        request = MatchImage(tenant=tenant, sha256=sha256, image_print=image_print)
        return (await self._call(MATCH_IMAGE, request)).piece_id
