"""What the calls of the last hour came to, by provider, computed by the database."""

from sqlalchemy import text

from services.ledger.adapters.database import Database
from services.ledger.domain.blame import NOT_THE_PROVIDERS
from shared.calls import Nothing, ProviderRecord, ProviderRecordList

# Calls that nobody settled have no time of their end: they count by that of their beginning.
RECORDS = text("""
WITH recent AS (
    SELECT provider, kind, outcome, duration_ms, cost_usd_micros, settled_at,
        error_code = ANY (CAST(:not_theirs AS text[])) IS NOT TRUE AS tells
    FROM attempts
    WHERE settled_at > now() - interval '1 hour'
        OR outcome = 'unknown' AND reconciled_at IS NULL AND settled_at IS NULL
            AND opened_at > now() - interval '1 hour'
)
SELECT provider, kind,
    count(*) FILTER (WHERE tells AND settled_at IS NOT NULL) AS calls,
    count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms)
        FILTER (WHERE outcome = 'succeeded'))::bigint AS median_ms,
    (percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms)
        FILTER (WHERE outcome = 'succeeded'))::bigint AS p95_ms,
    sum(cost_usd_micros)::bigint AS cost_usd_micros,
    count(*) FILTER (WHERE outcome = 'unknown') AS unknown
FROM recent GROUP BY provider, kind ORDER BY provider, kind
""")


class ProviderRecords:
    """The book of providers, all tenants together: it names none of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_hour(self, _: Nothing) -> ProviderRecordList:
        """One record for every provider that was called, for images or for captions.

        Calls that it was right to refuse, or too busy to take, say nothing about it: they cost what
        they cost, and do not count. Without a call that counts nothing speaks against a provider.
        """
        parameters = {"not_theirs": sorted(NOT_THE_PROVIDERS)}
        async with self._database.read() as connection:
            found = (await connection.execute(RECORDS, parameters)).all()
        return ProviderRecordList(
            records=tuple(
                ProviderRecord(
                    provider=row.provider,
                    kind=row.kind,
                    calls=row.calls,
                    success_rate=row.succeeded / row.calls if row.calls else 1.0,
                    median_ms=row.median_ms,
                    p95_ms=row.p95_ms,
                    cost_usd_micros=row.cost_usd_micros,
                    unknown=row.unknown,
                )
                for row in found
            )
        )
