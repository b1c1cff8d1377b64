"""Take orders by event: the same rules and refusals as over HTTP, answered by a fact."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.gateway.domain.planner import PlanError
from services.gateway.domain.request_ids import KEY_FORM, identity_of, task_id_of
from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.ordering import order_body_sha256, place_order
from services.gateway.handler.problems import details_of
from shared.calls import OrderKey, TaskView
from shared.events import TaskAccepted, TaskRefused
from shared.foreign import ReceivedRequest
from shared.outcomes import TryLater
from shared.problems import Problem, ProblemDetails

log = structlog.get_logger(__name__)

PATIENCE = timedelta(minutes=15)
"""How long a request may wait for a part of the system that is away, before it is refused."""

_IDENTITY_MISSING = Problem(
    422,
    "identity_missing",
    "Give an idempotency_key, or ce-source and ce-id: asking twice must not order twice.",
    field="idempotency_key",
)
_INVALID_KEY = Problem(
    422,
    "invalid_idempotency_key",
    "An idempotency_key has 1 to 255 visible ASCII characters.",
    field="idempotency_key",
)
_UNAVAILABLE = Problem(
    503, "unavailable", "A part of the system was away for too long; send the request again."
)


@dataclass(frozen=True, slots=True)
class TakeOrders:
    """Answers each request with `task.accepted` or `task.refused`.

    Raises TryLater while a part of the system is away, but not forever: somebody waits.
    """

    door: Door

    async def __call__(self, event: ReceivedRequest) -> TaskAccepted | TaskRefused:
        identity = identity_of(event.asker)
        task_id = task_id_of(event.tenant, identity or f"request:{event.request_id}")
        try:
            view = await self._place(event, _checked(event, identity), task_id)
        except (Problem, PlanError, RequestValidationError) as exc:
            return self._refused(event, task_id, details_of(exc))
        except TryLater:
            if self.door.now() - event.received_at < PATIENCE:
                raise
            return self._refused(event, task_id, _UNAVAILABLE.details)
        return _accepted(event, view)

    async def _place(self, event: ReceivedRequest, identity: str, task_id: str) -> TaskView:
        body = _order(event)
        key = OrderKey(key=identity, body_sha256=order_body_sha256(body))
        try:
            placed = await place_order(
                self.door,
                event.tenant,
                body,
                somebody_waits=False,
                order_key=key,
                task_id=task_id,
            )
        except Problem as problem:
            if problem.details.status >= 500:
                # Nothing is wrong with the order; asking again by its key orders once.
                raise TryLater(problem.details.detail) from problem
            raise
        return placed.view

    def _refused(
        self, event: ReceivedRequest, task_id: str, problem: ProblemDetails
    ) -> TaskRefused:
        log.info("order.refused", tenant=event.tenant, task_id=task_id, code=problem.code)
        return TaskRefused(
            tenant=event.tenant,
            task_id=task_id,
            asker=event.asker,
            request_id=event.request_id,
            request_sequence=event.request_sequence,
            problem=problem,
        )


def _checked(event: ReceivedRequest, identity: str | None) -> str:
    if identity is None:
        raise _IDENTITY_MISSING
    key = event.asker.idempotency_key
    if key is not None and not KEY_FORM.fullmatch(key):
        raise _INVALID_KEY
    return identity


def _order(event: ReceivedRequest) -> GenerateBody | BatchBody:
    model = GenerateBody if event.kind == "single" else BatchBody
    try:
        return model.model_validate(event.order)
    except ValidationError as exc:
        # As the framework puts it for the other door, so that both tell it in the same words.
        errors = [{**error, "loc": ("body", *error["loc"])} for error in exc.errors()]
        raise RequestValidationError(errors) from None


def _accepted(event: ReceivedRequest, view: TaskView) -> TaskAccepted:
    return TaskAccepted(
        tenant=event.tenant,
        task_id=view.task_id,
        asker=event.asker,
        request_id=event.request_id,
        avatar_id=view.avatar_id,
        kind=event.kind,
        total=view.total,
        accepted_at=view.accepted_at,
        deadline_at=view.deadline_at,
    )
