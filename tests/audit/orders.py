"""I6: the same idempotency key is the same task, and every task was ordered."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.audit.report import Violation
from tests.audit.world import World

NAME = "I6"
CLAIM = "the same idempotency key is the same task, and every task was ordered"

IDENTITY = "key:"
"""What the books put before a client's key."""


def checked(world: World) -> int:
    """Answers to orders that were looked at."""
    return len(world.evidence.orders)


def violations(world: World) -> list[Violation]:
    """Every breach."""
    return [*_keys(world), *_tasks_of_keys(world), *_books(world), *_uninvited(world)]


def _breach(code: str, subject: str, detail: str) -> Violation:
    return Violation(NAME, code, subject, detail)


def _keys(world: World) -> Iterator[Violation]:
    """One key, one task, one body; without a key every promise is a task of its own."""
    tasks: defaultdict[str, set[str]] = defaultdict(set)
    bodies: defaultdict[str, set[str]] = defaultdict(set)
    unkeyed: Counter[str] = Counter()
    for order in world.evidence.orders:
        if not order.accepted:
            continue
        if order.key is None:
            unkeyed[order.task_id or ""] += 1
        else:
            tasks[order.key].add(order.task_id or "")
            bodies[order.key].add(order.body_sha256)
    for key, found in tasks.items():
        if len(found) > 1:
            yield _breach("key_gave_two_tasks", key, ", ".join(sorted(found)))
        if len(bodies[key]) > 1:
            yield _breach("key_took_two_orders", key, f"{len(bodies[key])} different bodies")
    for task_id, times in unkeyed.items():
        if times > 1:
            yield _breach("task_given_twice", task_id, f"to {times} orders without a key")


def _tasks_of_keys(world: World) -> Iterator[Violation]:
    keys: defaultdict[str, set[str | None]] = defaultdict(set)
    for order in world.evidence.orders:
        if order.accepted:
            keys[order.task_id or ""].add(order.key)
    for task_id, found in keys.items():
        if len(found) > 1:
            yield _breach("task_of_two_keys", task_id, f"{len(found)} keys gave it")


def _books(world: World) -> Iterator[Violation]:
    """The books keep the same task for a key as the client was given."""
    kept = {row.key: row.task_id for row in world.books.order_keys}
    for order in world.evidence.orders:
        if order.accepted and order.key is not None:
            on_record = kept.get(IDENTITY + order.key)
            if on_record != order.task_id:
                yield _breach("key_differs", order.key, f"on record {on_record}")


def _uninvited(world: World) -> Iterator[Violation]:
    """Every task of the run was ordered: an answer that got lost may have made one, no more."""
    began = world.evidence.run.began - world.grace.clocks_s
    promised = world.accepted.keys()
    new = {task.task_id for task in world.books.tasks if task.accepted_at >= began} - promised
    keys = {order.key for order in world.evidence.orders if not order.accepted}
    explained = {
        row.task_id for row in world.books.order_keys if row.key.removeprefix(IDENTITY) in keys
    }
    without_key = sum(order.key is None and not order.accepted for order in world.evidence.orders)
    unexplained = sorted(new - explained)
    if len(unexplained) > without_key:
        for task_id in unexplained:
            yield _breach("task_uninvited", task_id, "nobody ordered it")
