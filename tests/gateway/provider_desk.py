"""Providers and their calls in memory, as the generator and the ledger would tell of them."""

from typing import Any

from shared import calls
from shared.calls import BookedAttempt, ProviderRecord, ProviderState
from shared.problems import Problem, not_found
from tests.gateway.review_desk import start_of
from tests.gateway.times import NOW, TODAY


class ProviderDesk:
    """Answers the calls about providers; `booked` are calls with the tenant they are of."""

    def __init__(self) -> None:
        self.states: list[ProviderState] = []
        self.records: list[ProviderRecord] = []
        self.booked: list[tuple[str, BookedAttempt]] = []
        self.reconciled: list[calls.ReconcileAttempt] = []

    def uses(self, name: str, **fields: Any) -> ProviderState:
        """One more provider at the end of the chain."""
        known: dict[str, Any] = {
            "name": name,
            "model": "sdxl",
            "level": 2 if self.states else 1,
            "breaker": "closed",
            "keeps_likeness": True,
            "in_flight": 1,
            "concurrency": 3,
            "price_usd_micros": 10_000,
            "price_read": TODAY,
        }
        self.states.append(ProviderState.model_validate(known | fields))
        return self.states[-1]

    def measured(self, provider: str, **fields: Any) -> ProviderRecord:
        """What the calls of the last hour came to."""
        known: dict[str, Any] = {
            "provider": provider,
            "calls": 40,
            "success_rate": 0.975,
            "median_ms": 9_500,
            "p95_ms": 31_250,
            "cost_usd_micros": 390_000,
            "unknown": 0,
        }
        self.records.append(ProviderRecord.model_validate(known | fields))
        return self.records[-1]

    def book(self, attempt_id: str, *, tenant: str = "default", **fields: Any) -> BookedAttempt:
        """One more provider call, the newest; nobody knows how it ended."""
        known: dict[str, Any] = {
            "attempt_id": attempt_id,
            "number": 1,
            "task_id": "t",
            "piece_id": "p",
            "avatar_id": "ada",
            "run": 1,
            "provider": "modal_sdxl_lora",
            "outcome": "unknown",
            "error_code": "TIMEOUT",
            "detail": "no answer within 300 s",
            "duration_ms": 300_012,
            "opened_at": NOW,
            "settled_at": NOW,
        }
        booked = BookedAttempt.model_validate(known | fields)
        self.booked.insert(0, (tenant, booked))
        return booked

    async def _generator_providers(self, _: calls.Nothing) -> calls.ProviderStates:
        return calls.ProviderStates(strategy="ordered", providers=tuple(self.states))

    async def _ledger_provider_records(self, _: calls.Nothing) -> calls.ProviderRecordList:
        return calls.ProviderRecordList(records=tuple(self.records))

    async def _ledger_attempt_list(self, request: calls.ListAttempts) -> calls.AttemptPage:
        found = [
            booked
            for tenant, booked in self.booked
            if tenant == request.tenant and _is_meant(booked, request)
        ]
        start = start_of(request.cursor)
        end = start + request.limit
        return calls.AttemptPage(
            attempts=tuple(found[start:end]), next_cursor=str(end) if end < len(found) else None
        )

    async def _ledger_attempt_reconcile(self, request: calls.ReconcileAttempt) -> BookedAttempt:
        for place, (tenant, booked) in enumerate(self.booked):
            if (tenant, booked.attempt_id) == (request.tenant, request.attempt_id):
                if booked.outcome != "unknown":
                    raise Problem(409, "attempt_not_unknown", "It is known how it ended.")
                self.reconciled.append(request)
                news = {
                    "cost_usd_micros": request.cost_usd_micros,
                    "reconciled_at": NOW,
                    "reconciled_by": request.by,
                    "reconcile_note": request.note,
                }
                self.booked[place] = (tenant, booked.model_copy(update=news))
                return self.booked[place][1]
        raise not_found("attempt", request.attempt_id)


def _is_meant(booked: BookedAttempt, request: calls.ListAttempts) -> bool:
    waits = booked.reconciled_at is None or request.outcome != "unknown"
    return (
        waits
        and request.outcome in {None, booked.outcome}
        and request.provider in {None, booked.provider}
        and request.piece_id in {None, booked.piece_id}
    )
