"""What all replicas have measured of the providers, from the ledger."""

from collections.abc import Mapping

from services.generator.domain.track import Measured
from shared.calls import PROVIDER_RECORDS, Nothing
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Caller


class LedgerRecords:
    """Asks the ledger for the last hour."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def measured(self) -> Mapping[str, Measured]:
        try:
            found = await self._call(PROVIDER_RECORDS, Nothing())
        except Problem as problem:
            raise TryLater(problem.details.detail) from problem
        return {
            record.provider: Measured(
                record.calls,
                record.success_rate,
                None if record.median_ms is None else record.median_ms / 1000,
            )
            for record in found.records
        }
