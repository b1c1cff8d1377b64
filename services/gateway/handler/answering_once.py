"""Answer a request that costs money once by its key, whoever sends it again and whoever dies."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from services.gateway.handler.answered import Answered
from services.gateway.handler.door import Door
from shared.calls import (
    CLAIM_REQUEST,
    COMPLETE_REQUEST,
    RELEASE_REQUEST,
    ClaimRequest,
    CompleteRequest,
    OrderKey,
    ReleaseRequest,
    RequestRef,
)
from shared.outcomes import TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)

Pay = Callable[[], Awaitable[dict[str, Any]]]
Prepare = Callable[[], Awaitable[Pay]]
"""What is looked at before, without cost; what it gives is paid for when it is called."""


async def answer_once(
    door: Door, tenant: str, key: OrderKey, prepare: Prepare, *, limit_s: float
) -> Answered:
    """The answer by this key. `limit_s` is longer than answering can take.

    Raises Problem 409 idempotency_conflict, request_under_way and request_lost.
    """
    work = partial(_answer, door, tenant, key, prepare, limit_s)
    # A crowd that asks at once by one key asks the others of us once.
    answered, is_first = await door.answering.do((tenant, key), work)
    return answered if is_first else replace(answered, replayed=True)


async def _answer(
    door: Door, tenant: str, key: OrderKey, prepare: Prepare, limit_s: float
) -> Answered:
    mine = RequestRef(tenant=tenant, key=key.key, holder=door.new_id())
    wanted = ClaimRequest(tenant=tenant, request_key=key, holder=mine.holder, lease_s=limit_s)
    claim = await door.ask(CLAIM_REQUEST, wanted)
    if claim.state == "done":
        return Answered(claim.answer or {}, replayed=True)
    if claim.state == "wait":
        detail = "This very request is being answered; send it again soon."
        raise Problem(409, "request_under_way", detail, field="Idempotency-Key")
    if claim.state == "lost":
        detail = "It was begun twice and never answered, and may have been paid for."
        raise Problem(409, "request_lost", detail, field="Idempotency-Key")
    return Answered(await _paid(door, mine, prepare), replayed=False)


async def _paid(door: Door, mine: RequestRef, prepare: Prepare) -> dict[str, Any]:
    try:
        pay = await prepare()
    except Exception:
        await _release(door, mine, was_paid_for=False)
        raise
    try:
        answer = await pay()
    except Exception:
        await _release(door, mine, was_paid_for=True)
        raise
    return await _keep(door, mine, answer)


async def _release(door: Door, mine: RequestRef, *, was_paid_for: bool) -> None:
    released = ReleaseRequest(**mine.model_dump(), was_paid_for=was_paid_for)
    try:
        await door.ask(RELEASE_REQUEST, released)
    except (TryLater, Problem) as exc:
        # Then the key is free once our time is over.
        log.warning("request.not_released", cause=type(exc).__name__)


async def _keep(door: Door, mine: RequestRef, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer that counts: somebody may have taken us for dead, and been first."""
    try:
        kept = await door.ask(COMPLETE_REQUEST, CompleteRequest(**mine.model_dump(), answer=answer))
    except (TryLater, Problem) as exc:
        # It is paid for: better given once than never.
        log.warning("request.not_kept", cause=type(exc).__name__)
        return answer
    return kept.answer or answer
