"""Somebody who decides about held pieces while everything breaks."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

INTERVAL_S = 0.7
APPROVED, REFUSED, LEFT = "approved", "refused", "left"
SHARES = {APPROVED: 60, REFUSED: 25, LEFT: 15}
"""In a hundred held pieces. Some stay held to the end, as they do with people."""
_FIRST = 20


@dataclass(slots=True)
class Reviewer:
    """Decides by the piece alone, so that a second look comes to the same.

    Whoever gets no answer asks again: what is decided stays decided, and says so.
    """

    http: httpx2.AsyncClient
    seed: int
    decided: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    _done: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Look and decide until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            for review in await self._waiting():
                await self._decide(review)

    async def _waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(found) < _FIRST:
            asked = {"limit": "50"} | ({"cursor": cursor} if cursor else {})
            page = await self._ask("GET", "/reviews", params=asked)
            if page is None:
                break
            found += [each for each in page["reviews"] if each["piece_id"] not in self._done]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found

    async def _decide(self, review: dict[str, Any]) -> None:
        piece_id = review["piece_id"]
        choice = self._choice(piece_id)
        if choice == LEFT:
            self._note(piece_id, choice)
            return
        verb, body = (
            ("approve", {"rating": "suggestive"})
            if choice == APPROVED
            else ("reject", {"reason": "not what was ordered"})
        )
        if await self._ask("POST", f"/reviews/{piece_id}/{verb}", json=body) is not None:
            self._note(piece_id, choice)

    def _choice(self, piece_id: str) -> str:
        (choice,) = Random(f"{self.seed} {piece_id}").choices(list(SHARES), list(SHARES.values()))
        return choice

    def _note(self, piece_id: str, choice: str) -> None:
        self._done.add(piece_id)
        self.decided[choice] += 1

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any] | None:
        """The answer; None where none came or a part is away."""
        try:
            answer = await self.http.request(method, path, **more)
        except httpx2.HTTPError:
            return None
        if answer.status_code == 503:
            return None
        # Decided by an answer that got lost, gone on meanwhile, or in need of a second reviewer.
        if answer.status_code not in {200, 409}:
            self.unexpected.append(f"{method} {path.partition('/')[0]} {answer.status_code}")
        said: dict[str, Any] = answer.json()
        return said
