"""I6 finds keys that gave two tasks, and tasks that nobody ordered."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.audit import orders
from tests.audit.evidence import Order
from tests.audit.rows import OrderKeyRow
from tests.audit.spoiling import with_books, with_evidence
from tests.audit.world import World
from tests.audit.worlds import TASK, sound_world

Spoil = Callable[[World], World]


def answered(*more: Order) -> Spoil:
    """There were these answers too."""
    return lambda world: with_evidence(world, orders=(*world.evidence.orders, *more))


def another_task(world: World) -> World:
    return with_books(
        world, tasks=(*world.books.tasks, replace(world.books.tasks[0], task_id="other"))
    )


BREACHES: dict[str, tuple[str, Spoil]] = {
    "one key gave two tasks": (
        "key_gave_two_tasks",
        answered(Order(9.3, "mine", "body", 202, "other", 4)),
    ),
    "one key took two orders": (
        "key_took_two_orders",
        answered(Order(9.3, "mine", "another body", 202, TASK, 4)),
    ),
    "two keys gave one task": (
        "task_of_two_keys",
        answered(Order(9.3, "yours", "body", 202, TASK, 4)),
    ),
    "an order without a key was given a task that is taken": (
        "task_of_two_keys",
        answered(Order(9.3, None, "body", 202, TASK, 4)),
    ),
    "two orders without a key were given one task": (
        "task_given_twice",
        answered(
            Order(9.3, None, "body", 202, "other", 4), Order(9.4, None, "body", 202, "other", 4)
        ),
    ),
    "the books keep another task for the key": (
        "key_differs",
        lambda world: with_books(world, order_keys=(OrderKeyRow("key:mine", "other"),)),
    ),
    "the books forgot the key": ("key_differs", lambda world: with_books(world, order_keys=())),
    "a task was ordered by nobody": ("task_uninvited", another_task),
}


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = orders.violations(spoil(sound_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I6"}


def test_a_task_whose_answer_got_lost_is_explained_by_its_key() -> None:
    lost = answered(Order(9.3, "lost", "body", None, None, 4))(another_task(sound_world()))
    keys = (*lost.books.order_keys, OrderKeyRow("key:lost", "other"))
    assert orders.violations(with_books(lost, order_keys=keys)) == []


def test_an_order_without_a_key_whose_answer_got_lost_explains_one_task_and_no_more() -> None:
    lost = answered(Order(9.3, None, "body", 503, None, 4))(another_task(sound_world()))
    assert orders.violations(lost) == []
    more = replace(sound_world().books.tasks[0], task_id="one more")
    assert orders.violations(with_books(lost, tasks=(*lost.books.tasks, more)))


def test_tasks_from_before_the_run_are_none_of_its_business() -> None:
    world = another_task(sound_world())
    earlier = replace(world.books.tasks[1], accepted_at=1.0)
    assert orders.violations(with_books(world, tasks=(world.books.tasks[0], earlier))) == []
