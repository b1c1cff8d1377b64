"""Requests by key: answered once, begun twice at most, whoever asks and whoever dies."""

import asyncio
from itertools import count
from typing import Any

import pytest

from services.ledger.adapters.request_keys import RequestKeys
from services.ledger.domain.request_keys import Standing
from services.ledger.handler.forgetting import ForgetOldKeys
from shared.calls import (
    ClaimRequest,
    CompleteRequest,
    OrderKey,
    ReleaseRequest,
    RequestClaim,
)
from shared.problems import Problem
from tests.ledger.books import TENANT, Books

BODY, OTHER_BODY = "a" * 64, "b" * 64
ANSWER: dict[str, Any] = {"captions": [{"hook_text": "Golden hour."}], "cost": 0.001}
_names = count()


def asked(holder: str | None = None, **overrides: object) -> ClaimRequest:
    given: dict[str, object] = {
        "tenant": TENANT,
        "request_key": OrderKey(key="key:k", body_sha256=BODY),
        "holder": holder or f"holder-{next(_names)}",
        "lease_s": 60,
    }
    return ClaimRequest.model_validate(given | overrides)


def done(holder: str, answer: dict[str, Any] = ANSWER) -> CompleteRequest:
    return CompleteRequest(tenant=TENANT, key="key:k", holder=holder, answer=answer)


def given_up(holder: str, *, was_paid_for: bool) -> ReleaseRequest:
    return ReleaseRequest(tenant=TENANT, key="key:k", holder=holder, was_paid_for=was_paid_for)


async def lapse(books: Books) -> None:
    """As if the holder had died, and the time for its call were over."""
    await books.sql("UPDATE request_keys SET held_until = now() - interval '1 second'")


@pytest.fixture
def keys(books: Books) -> RequestKeys:
    return RequestKeys(books.database)


async def test_one_of_many_at_once_goes_and_the_others_wait(keys: RequestKeys) -> None:
    claims = await asyncio.gather(*(keys.claim(asked()) for _ in range(20)))
    assert sorted(claim.state for claim in claims) == ["go"] + ["wait"] * 19


async def test_the_answer_is_given_again_and_again(keys: RequestKeys) -> None:
    assert (await keys.claim(asked("h"))).state == "go"
    kept = RequestClaim(state="done", answer=ANSWER)
    assert await keys.complete(done("h")) == kept
    for _ in range(2):
        assert await keys.claim(asked()) == kept


async def test_who_asks_again_because_the_leave_got_lost_has_it_still(keys: RequestKeys) -> None:
    for _ in range(3):
        assert (await keys.claim(asked("h"))).state == "go"
    assert (await keys.claim(asked())).state == "wait"


async def test_another_body_is_a_conflict_in_every_state(books: Books, keys: RequestKeys) -> None:
    other = OrderKey(key="key:k", body_sha256=OTHER_BODY)
    await keys.claim(asked("h"))
    for _ in range(2):
        with pytest.raises(Problem, match="idempotency_conflict"):
            await keys.claim(asked(request_key=other))
        await keys.complete(done("h"))
    assert (await keys.claim(asked(tenant="other", request_key=other))).state == "go"
    assert len(await books.sql("SELECT 1 FROM request_keys")) == 2


async def test_a_holder_that_died_is_followed_by_one_other_and_no_third(
    books: Books, keys: RequestKeys
) -> None:
    states = []
    for _ in range(3):
        states.append((await keys.claim(asked())).state)
        states.append((await keys.claim(asked())).state)
        await lapse(books)
    assert states == ["go", "wait", "go", "wait", "lost", "lost"]


async def test_the_first_answer_counts_for_both_holders(books: Books, keys: RequestKeys) -> None:
    await keys.claim(asked("slow"))
    await lapse(books)
    await keys.claim(asked("second"))
    assert (await keys.complete(done("slow"))).answer == ANSWER
    assert (await keys.complete(done("second", {"captions": []}))).answer == ANSWER
    assert (await keys.claim(asked())).answer == ANSWER


async def test_what_was_not_paid_for_leaves_the_key_as_it_was(keys: RequestKeys) -> None:
    other = OrderKey(key="key:k", body_sha256=OTHER_BODY)
    for key in (asked().request_key, other, asked().request_key):
        assert (await keys.claim(asked("h", request_key=key))).state == "go"
        await keys.release(given_up("h", was_paid_for=False))
        await keys.release(given_up("h", was_paid_for=False))


async def test_what_may_have_been_paid_for_is_begun_once_more(keys: RequestKeys) -> None:
    assert (await keys.claim(asked("h1"))).state == "go"
    await keys.release(given_up("h1", was_paid_for=True))
    assert (await keys.claim(asked("h2"))).state == "go"
    for _ in range(2):
        await keys.release(given_up("h2", was_paid_for=False))
    assert (await keys.claim(asked("h3"))).state == "go"
    await keys.release(given_up("h3", was_paid_for=True))
    assert (await keys.claim(asked("h4"))).state == "lost"


async def test_nobody_releases_what_is_anothers_or_answered(keys: RequestKeys) -> None:
    await keys.claim(asked("h"))
    await keys.release(given_up("stranger", was_paid_for=False))
    assert (await keys.claim(asked())).state == "wait"
    await keys.complete(done("h"))
    await keys.release(given_up("h", was_paid_for=False))
    assert (await keys.claim(asked())).state == "done"


async def test_an_old_key_is_free_and_the_rounds_forget_it(books: Books, keys: RequestKeys) -> None:
    await keys.claim(asked("h"))
    await keys.complete(done("h"))
    older = "UPDATE request_keys SET created_at = now() - interval '8 days'"
    await books.sql(older)
    assert (await keys.claim(asked("h2"))).state == "go"
    await books.sql(older)
    await keys.claim(asked(request_key=OrderKey(key="young", body_sha256=BODY)))
    await ForgetOldKeys(keys, keys)()
    assert [row.key for row in await books.sql("SELECT key FROM request_keys")] == ["young"]


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (Standing(is_mine=True, is_answered=True, begun=2, left_s=-1), "done"),
        (Standing(is_mine=False, is_answered=False, begun=2, left_s=1), "wait"),
        (Standing(is_mine=True, is_answered=False, begun=2, left_s=1), "go"),
        (Standing(is_mine=True, is_answered=False, begun=2, left_s=0), "lost"),
        (Standing(is_mine=False, is_answered=False, begun=1, left_s=0), "go"),
    ],
)
def test_where_a_request_stands(standing: Standing, state: str) -> None:
    assert standing.state == state
