"""Asking twice by the same key orders once, whoever asks, whenever."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.ledger.adapters.order_keys import OrderKeys
from shared.calls import AcceptTask, AvatarRef, FindOrder, OrderKey, TaskState, TaskView
from shared.problems import Problem
from tests.ledger.books import TENANT, Books, accept_task

BODY, OTHER_BODY = "a" * 64, "b" * 64


def by_key(avatar_id: str, *, key: str = "k", body: str = BODY, **overrides: object) -> AcceptTask:
    order_key = OrderKey(key=key, body_sha256=body)
    return accept_task(avatar_id, 2, order_key=order_key, **overrides)


def find(key: str = "k", body: str = BODY, tenant: str = TENANT) -> FindOrder:
    return FindOrder(tenant=tenant, order_key=OrderKey(key=key, body_sha256=body))


async def count(books: Books, table: str) -> int:
    ((number,),) = await books.sql(f"SELECT count(*) FROM {table}")
    return int(number)


async def age_keys(books: Books, days: float) -> None:
    await books.sql(
        "UPDATE order_keys SET created_at = now() - :days * interval '1 day'", days=days
    )


async def test_the_second_order_by_a_key_is_the_first_ones_task(books: Books) -> None:
    avatar = await books.avatar()
    first = await books.accept_task(by_key(avatar.id))
    again = await books.accept_task(by_key(avatar.id))
    assert again == first
    assert (await books.tasks.find_order(find())).task == first
    assert (await count(books, "tasks"), await count(books, "pieces")) == (1, 2)
    assert len(await books.waiting()) == 2


async def test_a_thousand_orders_at_once_by_one_key_make_one_task(books: Books) -> None:
    avatar = await books.avatar()
    in_hand = asyncio.Semaphore(50)

    async def order() -> TaskView:
        async with in_hand:
            return await books.accept_task(by_key(avatar.id))

    views = await asyncio.gather(*(order() for _ in range(1000)))
    assert len({view.task_id for view in views}) == 1
    assert (await count(books, "tasks"), await count(books, "pieces")) == (1, 2)
    assert await count(books, "outbox") == 2


async def test_of_different_orders_by_one_key_one_wins_and_the_others_are_told(
    books: Books,
) -> None:
    avatar = await books.avatar()
    orders = [by_key(avatar.id, body=format(n % 3, "064x")) for n in range(30)]
    answers = await asyncio.gather(*map(books.accept_task, orders), return_exceptions=True)
    accepted = [answer for answer in answers if isinstance(answer, TaskView)]
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert (len(accepted), len(refused)) == (10, 20)
    assert len({view.task_id for view in accepted}) == 1
    assert {(each.details.status, each.details.code) for each in refused} == {
        (409, "idempotency_conflict")
    }
    assert await count(books, "tasks") == 1


async def test_another_order_by_a_key_is_refused_before_and_at_acceptance(books: Books) -> None:
    avatar = await books.avatar()
    await books.accept_task(by_key(avatar.id))
    for ask in (
        books.accept_task(by_key(avatar.id, body=OTHER_BODY)),
        books.tasks.find_order(find(body=OTHER_BODY)),
    ):
        with pytest.raises(Problem) as refused:
            await ask
        assert refused.value.details.code == "idempotency_conflict"
        assert refused.value.details.field == "Idempotency-Key"


async def test_tenants_do_not_share_keys(books: Books) -> None:
    mine = await books.accept_task(by_key((await books.avatar()).id))
    assert (await books.tasks.find_order(find(tenant="other"))).task is None
    assert (await books.tasks.find_order(find())).task == mine


async def test_a_refused_order_leaves_its_key_free(books: Books) -> None:
    with pytest.raises(Problem) as refused:
        await books.accept_task(by_key(str(uuid4())))
    assert refused.value.details.code == "avatar_not_found"
    assert (await books.tasks.find_order(find())).task is None
    avatar = await books.avatar()
    assert (await books.accept_task(by_key(avatar.id, body=OTHER_BODY))).total == 2


async def test_a_key_is_free_again_after_seven_days_and_the_task_stays(books: Books) -> None:
    avatar = await books.avatar()
    first = await books.accept_task(by_key(avatar.id))
    await age_keys(books, 6.99)
    assert (await books.accept_task(by_key(avatar.id))).task_id == first.task_id
    await age_keys(books, 7.01)
    assert (await books.tasks.find_order(find())).task is None
    second = await books.accept_task(by_key(avatar.id, body=OTHER_BODY))
    assert second.task_id != first.task_id
    assert (await books.tasks.find_order(find(body=OTHER_BODY))).task == second
    assert (await books.task(first.task_id)).total == 2


async def test_old_keys_are_forgotten_and_young_ones_kept(books: Books) -> None:
    avatar = await books.avatar()
    await books.accept_task(by_key(avatar.id, key="old"))
    await age_keys(books, 8)
    young = await books.accept_task(by_key(avatar.id, key="young"))
    await OrderKeys(books.database).forget_old()
    ((key, task_id),) = await books.sql("SELECT key, task_id FROM order_keys")
    assert (key, task_id) == ("young", young.task_id)


async def test_a_key_still_leads_to_its_task_when_the_avatar_was_deleted(books: Books) -> None:
    avatar = await books.avatar()
    first = await books.accept_task(by_key(avatar.id))
    await books.deletion.delete_avatar(AvatarRef(tenant=TENANT, avatar_id=avatar.id))
    ended = await books.task(first.task_id)
    assert ended.state is TaskState.FAILED
    assert await books.accept_task(by_key(avatar.id, accepted_at=datetime.now(UTC))) == ended
