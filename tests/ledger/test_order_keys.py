"""Asking twice by the same key orders once, whoever asks, whenever."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.ledger.adapters.database import Database, PoolLimits
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.order_keys import OrderKeys, claim
from shared.calls import AcceptTask, AvatarRef, FindOrder, OrderKey, TaskState, TaskView
from shared.problems import Problem
from tests.eventually import eventually
from tests.ledger.books import TENANT, Books, accept_task, is_held_up

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


async def test_asking_again_writes_nothing_and_locks_nothing(books: Books) -> None:
    avatar = await books.avatar()
    await books.accept_task(by_key(avatar.id))
    await books.accept_task(by_key(avatar.id))
    ((locked_or_changed_by,),) = await books.sql("SELECT xmax::text FROM order_keys")
    assert locked_or_changed_by == "0"


async def test_a_crowd_of_orders_at_once_by_one_key_makes_one_task(books: Books) -> None:
    avatar = await books.avatar()
    orders = [by_key(avatar.id) for _ in range(60)]
    views = await asyncio.gather(*map(books.accept_task, orders))
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
    theirs = await books.avatar()
    await books.sql("UPDATE avatars SET tenant = 'other' WHERE id = :id", id=theirs.id)
    other = await books.accept_task(by_key(theirs.id, body=OTHER_BODY, tenant="other"))
    assert other.task_id != mine.task_id
    assert (await books.tasks.find_order(find())).task == mine
    assert (await books.tasks.find_order(find(body=OTHER_BODY, tenant="other"))).task == other


async def test_a_refused_order_leaves_its_key_free(books: Books) -> None:
    with pytest.raises(Problem) as refused:
        await books.accept_task(by_key(str(uuid4())))
    assert refused.value.details.code == "avatar_not_found"
    assert (await books.tasks.find_order(find())).task is None
    avatar = await books.avatar()
    assert (await books.accept_task(by_key(avatar.id, body=OTHER_BODY))).total == 2


async def test_who_waits_for_a_ledger_that_dies_gets_the_key(books: Books, dsn: str) -> None:
    avatar = await books.avatar()
    dying = Database.at(driver_url(dsn), PoolLimits())
    connection = await dying.engine.connect()
    await claim(connection, by_key(avatar.id))
    waiting = asyncio.create_task(books.accept_task(by_key(avatar.id, body=OTHER_BODY)))
    await eventually(lambda: is_held_up(books))
    await books.sql(
        "SELECT pg_terminate_backend(holder) FROM pg_stat_activity,"
        " unnest(pg_blocking_pids(pid)) AS holder"
    )
    view = await waiting
    assert (await books.tasks.find_order(find(body=OTHER_BODY))).task == view
    assert await count(books, "tasks") == 1
    await connection.invalidate()
    await connection.close()
    await dying.close()


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


async def test_of_many_who_take_over_an_old_key_one_wins(books: Books) -> None:
    avatar = await books.avatar()
    first = await books.accept_task(by_key(avatar.id))
    await age_keys(books, 8)
    orders = [by_key(avatar.id) for _ in range(20)]
    views = await asyncio.gather(*map(books.accept_task, orders))
    assert len({view.task_id for view in views}) == 1
    assert views[0].task_id != first.task_id
    assert await count(books, "tasks") == 2


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_task_id_that_outlives_its_key_never_stands_for_another_order(
    books: Books, *, forgotten: bool
) -> None:
    avatar, task_id = await books.avatar(), str(uuid4())
    first = await books.accept_task(by_key(avatar.id, task_id=task_id))
    await age_keys(books, 8)
    if forgotten:
        await OrderKeys(books.database).forget_old()
    with pytest.raises(Problem, match="idempotency_conflict"):
        await books.accept_task(by_key(avatar.id, task_id=task_id, body=OTHER_BODY))
    assert await books.accept_task(by_key(avatar.id, task_id=task_id)) == first


async def test_more_old_keys_than_are_deleted_at_a_time_are_all_forgotten(books: Books) -> None:
    view = await books.accept_task(by_key((await books.avatar()).id))
    await books.sql(
        "INSERT INTO order_keys (tenant, key, body_sha256, task_id, created_at)"
        " SELECT tenant, 'old ' || n, body_sha256, task_id, now() - interval '8 days'"
        " FROM order_keys, generate_series(1, 2500) AS n"
    )
    await OrderKeys(books.database).forget_old()
    assert await count(books, "order_keys") == 1
    assert (await books.tasks.find_order(find())).task == view


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
