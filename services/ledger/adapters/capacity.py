"""Calls that all replicas together may make at a provider at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.domain.attempts import Answer, Go, GoOn, Pending, Wait
from services.ledger.domain.capacity import InFlight
from shared.calls import OpenAttempt

_SPACE = 1_402_177_014
"""The first half of the keys of the advisory locks; the second is of the provider."""

# In one order, so that two batches about the same providers cannot wait for each other.
_LOCK = text("""
SELECT pg_advisory_xact_lock(:space, provider.key)
FROM (
    SELECT DISTINCT hashtext(name) AS key
    FROM unnest(CAST(:providers AS text[])) AS each (name) ORDER BY key
) AS provider
""")
COUNT_UNDER_WAY = text("""
SELECT provider, count(*) AS calls,
    extract(epoch FROM avg(clock_timestamp() - opened_at))::float8 AS mean_age_s
FROM attempts
WHERE outcome = 'open' AND provider = ANY (CAST(:providers AS text[]))
    AND lease_until > clock_timestamp()
GROUP BY provider
""")


class Capacity:
    """What is under way at providers with a limit, for as long as one transaction lasts.

    Nobody else opens a call there meanwhile; those of the transaction itself count at once.
    """

    def __init__(self, in_flight: dict[str, InFlight]) -> None:
        self._in_flight = in_flight

    @classmethod
    async def held(cls, connection: AsyncConnection, requests: Iterable[OpenAttempt]) -> Self:
        """Hold the providers for which a limit is given. To be taken before any row is locked."""
        limited = {each.provider for each in requests if each.most_in_flight is not None}
        if not limited:
            return cls({})
        providers = sorted(limited)
        await connection.execute(_LOCK, {"space": _SPACE, "providers": providers})
        # Its own statement: one that waited for the lock would not see what was opened since then.
        found = await connection.execute(COUNT_UNDER_WAY, {"providers": providers})
        busy = {row.provider: InFlight(row.calls, row.mean_age_s) for row in found}
        return cls({provider: InFlight() for provider in providers} | busy)

    def within(
        self,
        request: OpenAttempt,
        answer: Answer,
        earlier: Mapping[str, Row[Any]],
        *,
        now: datetime,
    ) -> Answer:
        """The answer, or Wait where there is no room for a new call.

        `earlier` are the piece's recorded calls by their ids.
        """
        match answer:
            case Go(_, _, lost):
                known = self._in_flight.get(request.provider)
                if known is None:
                    return answer
                ended = sum(self._counts(earlier[each], request.provider, now) for each in lost)
                left = replace(known, calls=known.calls - ended)
                if not left.has_room(request.most_in_flight):
                    return Wait(known.next_end_s, "capacity")
                self._in_flight[request.provider] = replace(left, calls=left.calls + 1)
            case GoOn(attempt) | Pending(attempt):
                self._take_up(earlier[attempt.attempt_id], now)
        return answer

    def _take_up(self, row: Row[Any], now: datetime) -> None:
        """A call goes on. Where its lease was over, it was not among those under way."""
        known = self._in_flight.get(row.provider)
        is_counted = row.outcome != "open" or row.lease_until > now
        if known is not None and not is_counted:
            self._in_flight[row.provider] = replace(known, calls=known.calls + 1)

    def _counts(self, row: Row[Any], provider: str, now: datetime) -> bool:
        """Whether a call that is given up now was among those under way."""
        return bool(row.provider == provider and row.lease_until > now)
