"""Orders that somebody waits for."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.ordering import place_order
from services.gateway.handler.piece_views import ContentPiece
from services.gateway.handler.placed import Placed
from services.gateway.handler.problems import AboutTask
from services.gateway.handler.rendering import all_delivered, show
from services.gateway.handler.waiting import ENDED, wait_for_end
from shared.calls import OrderKey, TaskRef, TaskView
from shared.outcomes import TryLater
from shared.problems import Problem, ProblemDetails

IsGone = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Order:
    """What is ordered, for whom, and by which key."""

    tenant: str
    body: GenerateBody | BatchBody
    key: OrderKey | None


@dataclass(frozen=True, slots=True)
class EndedOrder:
    """An order that has ended, with the pieces it brought about."""

    view: TaskView
    pieces: list[ContentPiece]
    replayed: bool


async def order_and_wait(door: Door, order: Order, is_gone: IsGone) -> EndedOrder:
    """Place an order and wait until its task has ended.

    Raises what placing and waiting raise; once the order is accepted, with its task.
    """
    task_id = door.new_id()
    # Listening begins first: a quick task could end before its acceptance is answered.
    with door.completions.watch(order.tenant, task_id) as heard:
        placed = await place_order(
            door,
            order.tenant,
            order.body,
            somebody_waits=True,
            order_key=order.key,
            task_id=task_id,
        )
        if placed.view.task_id == task_id:
            with naming_its_task(door, task_id):
                ref = TaskRef(tenant=order.tenant, task_id=task_id)
                return await _ended(door, placed, await wait_for_end(door, ref, heard, is_gone))
    return await _wait_for_earlier(door, order.tenant, placed, is_gone)


async def _wait_for_earlier(door: Door, tenant: str, placed: Placed, is_gone: IsGone) -> EndedOrder:
    task_id = placed.view.task_id
    with naming_its_task(door, task_id):
        if placed.view.state in ENDED:
            return await _ended(door, placed, placed.view)
        with door.completions.watch(tenant, task_id) as heard:
            # It may have ended before we began to listen: look at once.
            heard.set()
            ref = TaskRef(tenant=tenant, task_id=task_id)
            return await _ended(door, placed, await wait_for_end(door, ref, heard, is_gone))


async def _ended(door: Door, placed: Placed, view: TaskView) -> EndedOrder:
    delivered = await all_delivered(door, view.tenant, view.task_id)
    pieces = await show(door, view.tenant, delivered)
    return EndedOrder(view, pieces, placed.replayed)


@contextmanager
def naming_its_task(door: Door, task_id: str) -> Iterator[None]:
    """Whatever goes wrong with an accepted order, its client learns which task to look at."""
    try:
        yield
    except Problem as exc:
        raise AboutTask(exc.details, task_id, door.task_url(task_id)) from exc
    except TryLater as exc:
        detail = "The order has ended, but its pieces cannot be shown now; look at its task."
        hidden = ProblemDetails(code="unavailable", status=503, detail=detail)
        raise AboutTask(hidden, task_id, door.task_url(task_id)) from exc
