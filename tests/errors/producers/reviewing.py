"""What is held, taken down or frozen, and decisions that come too late or say too little."""

from typing import Any

import httpx2

from shared.content import BlockCategory, BlockedOn, Decision, Rating
from tests.builders import verdict
from tests.errors.producers.registry import PREFIX, RealLedger, at_the_door, from_the_ledger
from tests.gateway.conftest import World
from tests.ledger.books import stored

REJECTION = {"reason": "seven fingers"}
APPROVAL = {"rating": "safe"}


async def _held(ledger: RealLedger, **judged: Any) -> str:
    """The path of the review of a piece that waits under such a verdict."""
    [piece] = await ledger.books.accepted()
    waiting = verdict(decision=Decision.REVIEW, rating=Rating.PENDING_REVIEW, **judged)
    held = stored(piece, delivery={"held": True, "public": False}, verdict=waiting)
    await ledger.books.endings.deliver(held)
    return f"{PREFIX}/reviews/{piece.piece_id}"


@from_the_ledger("review_not_found")
async def review_not_found(ledger: RealLedger) -> httpx2.Response:
    async with ledger.client() as client:
        return await client.get(f"{PREFIX}/reviews/nothing")


@from_the_ledger("review_decided")
async def review_decided(ledger: RealLedger) -> httpx2.Response:
    review = await _held(ledger)
    async with ledger.client() as client:
        first = await client.post(f"{review}/reject", json=REJECTION)
        assert first.status_code == 200, first.text
        return await client.post(f"{review}/reject", json=REJECTION)


@from_the_ledger("review_blocked")
async def review_blocked(ledger: RealLedger) -> httpx2.Response:
    review = await _held(ledger, blocked=BlockCategory.REAL_PERSON, blocked_on=BlockedOn.PROMPT)
    async with ledger.client() as client:
        return await client.post(f"{review}/approve", json=APPROVAL)


@from_the_ledger("already_approved")
async def already_approved(ledger: RealLedger) -> httpx2.Response:
    review = await _held(ledger, approvals_needed=2)
    async with ledger.client() as client:
        first = await client.post(f"{review}/approve", json=APPROVAL)
        assert first.status_code == 200, first.text
        return await client.post(f"{review}/approve", json=APPROVAL)


@at_the_door("rating_required", field="rating")
async def rating_required(world: World) -> httpx2.Response:
    world.backend.hold("p")
    async with world.client() as client:
        return await client.post(f"{PREFIX}/reviews/p/approve", json={})


@at_the_door("reason_required", field="reason")
async def reason_required(world: World) -> httpx2.Response:
    world.backend.hold("p")
    async with world.client() as client:
        return await client.post(f"{PREFIX}/reviews/p/reject", json={})


@from_the_ledger("avatar_not_frozen")
async def avatar_not_frozen(ledger: RealLedger) -> httpx2.Response:
    await ledger.books.avatar("ada")
    async with ledger.client() as client:
        return await client.post(f"{PREFIX}/avatars/ada/unfreeze", json={"reason": "r"})


@from_the_ledger("piece_taken_down")
async def piece_taken_down(ledger: RealLedger) -> httpx2.Response:
    [piece] = await ledger.books.accepted()
    await ledger.books.endings.deliver(stored(piece))
    path = f"{PREFIX}/content/pieces/{piece.piece_id}"
    async with ledger.client() as client:
        taken = await client.post(f"{path}/takedown", json={"reason": "a court says so"})
        assert taken.status_code == 200, taken.text
        return await client.post(f"{path}/publish")
