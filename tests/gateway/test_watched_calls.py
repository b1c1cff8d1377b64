"""While the ledger is away or hangs, nobody at the door waits for it."""

import asyncio

import pytest

from services.gateway.adapters.watched_calls import (
    ANSWER_S,
    CHECK_S,
    SUSPICIOUS_S,
    WatchedCalls,
)
from shared.calls import GET_AVATAR, STORAGE_HEALTH, AvatarRef, Nothing
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Call, Reply, Request
from tests.eventually import eventually
from tests.gateway.backend import TENANT, Backend

ADA = AvatarRef(tenant=TENANT, avatar_id="ada")
NOBODY = AvatarRef(tenant=TENANT, avatar_id="nobody")


class Hanging:
    """A backend that lets some calls wait until it is told to go on."""

    def __init__(self, *hung: str) -> None:
        self.backend = Backend()
        self.backend.avatar()
        self.hung = set(hung)
        self.goes_on = asyncio.Event()

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        if call.name in self.hung or "everything" in self.hung:
            await self.goes_on.wait()
        return await self.backend(call, request, timeout_s=timeout_s)

    def go_on(self) -> None:
        self.hung.clear()
        self.goes_on.set()


def watched(backend: Hanging) -> WatchedCalls:
    return WatchedCalls(backend, backend)


async def is_told(ask: WatchedCalls) -> None:
    with pytest.raises(TryLater):
        await ask(GET_AVATAR, ADA)


async def test_who_waits_for_a_ledger_that_hangs_is_told_within_a_second() -> None:
    ask = watched(Hanging("everything"))
    async with asyncio.timeout(30):
        await asyncio.gather(*(is_told(ask) for _ in range(20)))
    # What that takes where the machine has nothing else to do.
    assert SUSPICIOUS_S + CHECK_S + ANSWER_S < 1


async def test_who_comes_later_is_told_at_once_and_nothing_is_asked() -> None:
    backend = Hanging("everything")
    ask = watched(backend)
    await is_told(ask)
    for _ in range(20):
        with pytest.raises(TryLater):
            ask(GET_AVATAR, ADA).send(None)  # its first step is its last
    assert "ledger.avatar.get" not in backend.backend.asked


async def test_a_ledger_that_is_back_is_asked_again() -> None:
    backend = Hanging("everything")
    ask = watched(backend)
    await is_told(ask)
    backend.go_on()

    async def answers() -> bool:
        try:
            return (await ask(GET_AVATAR, ADA)).id == "ada"
        except TryLater:
            return False

    await eventually(answers)


async def test_one_slow_answer_of_a_ledger_that_is_well_is_waited_for() -> None:
    backend = Hanging("ledger.avatar.get")
    ask = watched(backend)
    slow = asyncio.create_task(ask(GET_AVATAR, ADA))
    await eventually(lambda: backend.backend.asked.count("ledger.key.find") >= 3)
    assert not slow.done()
    backend.go_on()
    assert (await slow).id == "ada"


async def test_an_excuse_closes_the_way_unless_others_were_answered() -> None:
    backend = Hanging()
    ask = watched(backend)
    backend.backend.away.add("ledger.avatar.get")
    with pytest.raises(TryLater, match="nobody answers"):
        await ask(GET_AVATAR, ADA)
    with pytest.raises(TryLater, match="the ledger is away"):
        await ask(GET_AVATAR, ADA)


async def test_a_refusal_is_an_answer() -> None:
    ask = watched(Hanging())
    for _ in range(2):
        with pytest.raises(Problem):
            await ask(GET_AVATAR, NOBODY)


async def test_others_than_the_ledger_are_asked_all_the_same() -> None:
    backend = Hanging("ledger.avatar.get", "ledger.key.find")
    ask = watched(backend)
    await is_told(ask)
    assert (await ask(STORAGE_HEALTH, Nothing())).status == "ok"
