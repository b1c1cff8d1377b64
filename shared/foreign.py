"""The facts that other systems write: orders, and handed over weights.

Their subjects are the authority for tenant and avatar, since the broker's permissions decide who
may write to which; a body may repeat them and must not contradict.
"""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from shared.cloudevents import Attributes, read_event
from shared.content import Asker, BucketKey, SubjectToken, Value
from shared.events import AvatarReady, Fact, TaskRequested
from shared.outcomes import BadInput
from shared.stage import Message
from shared.wire import event_type, first_error

B = TypeVar("B", bound=Value)
F = TypeVar("F", bound=Fact)


class TaskRequestedBody(Value):
    """What a sender puts into `task.requested`."""

    tenant: SubjectToken | None = Field(default=None, description="as in the subject, if given")
    idempotency_key: Annotated[str, StringConstraints(max_length=4096)] | None = Field(
        default=None,
        description="makes asking twice order once, shared with the REST header of that name",
    )
    kind: Literal["single", "batch"] = "batch"
    order: dict[str, Any] = Field(description="the body of the REST request of this kind")


class AvatarReadyBody(Value):
    """What a sender puts into `avatar.ready`; one of the two keys names the weights."""

    tenant: SubjectToken | None = Field(default=None, description="as in the subject, if given")
    avatar_id: SubjectToken | None = Field(default=None, description="as in the subject, if given")
    lora_weights_url: BucketKey | None = Field(
        default=None, description="key of the weights in the bucket, never a URL"
    )
    r2_path: BucketKey | None = Field(
        default=None, description="another name for `lora_weights_url`"
    )
    lora_model_id: Annotated[str, StringConstraints(max_length=120)] | None = None
    trigger_word: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ -]{1,64}$")] | None = None
    lora_scale: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _names_the_weights_once(self) -> Self:
        if (self.lora_weights_url is None) == (self.r2_path is None):
            raise PydanticCustomError("one_key", "Give lora_weights_url or r2_path")
        return self


BODIES: dict[type[Fact], type[Value]] = {
    TaskRequested: TaskRequestedBody,
    AvatarReady: AvatarReadyBody,
}
"""What is on the wire, for those facts whose senders say less than the fact tells."""


class ReceivedRequest(TaskRequested):
    """A request, and where and since when it lies in its stream."""

    request_sequence: int = Field(ge=1)
    received_at: AwareDatetime


class ReceivedHandover(AvatarReady):
    """Handed over weights, and since when the handover lies in its stream."""

    received_at: AwareDatetime


def read_request(message: Message, tokens: tuple[str, ...]) -> ReceivedRequest:
    """Read a `task.requested` whose subject ends in `tokens`.

    Raises BadInput: too_large, invalid_json, not_cloudevents, unknown_type, invalid_body,
    subject_mismatch.
    """
    sender, body = _opened(message, TaskRequested, TaskRequestedBody)
    place = _place(tokens, ("tenant", "request_id"), body)
    asker = Asker(source=sender.source, id=sender.id, idempotency_key=body.idempotency_key)
    return _built(
        ReceivedRequest,
        **place,
        asker=asker,
        kind=body.kind,
        order=body.order,
        request_sequence=message.sequence,
        received_at=message.stored_at,
    )


def read_handover(message: Message, tokens: tuple[str, ...]) -> ReceivedHandover:
    """Read an `avatar.ready` whose subject ends in `tokens`. Raises as `read_request`."""
    _, body = _opened(message, AvatarReady, AvatarReadyBody)
    place = _place(tokens, ("tenant", "avatar_id"), body)
    return _built(ReceivedHandover, **(body.model_dump() | place), received_at=message.stored_at)


def _opened(message: Message, fact: type[Fact], model: type[B]) -> tuple[Attributes, B]:
    sender, data = read_event(message.headers, message.body)
    if sender.type not in {None, event_type(fact)}:
        raise BadInput("unknown_type", f"expected {event_type(fact)}")
    try:
        return sender, model.model_validate(data, strict=True)
    except ValidationError as exc:
        raise BadInput("invalid_body", first_error(exc)) from None


def _place(tokens: tuple[str, ...], names: tuple[str, ...], body: Value) -> dict[str, str]:
    if len(tokens) != len(names):
        raise BadInput("subject_mismatch", f"{len(names)} tokens follow the name of the fact")
    for name, token in zip(names, tokens, strict=True):
        if getattr(body, name, None) not in {None, token}:
            raise BadInput("subject_mismatch", f"{name}: the subject says otherwise")
    return dict(zip(names, tokens, strict=True))


def _built(fact: type[F], **fields: Any) -> F:
    try:
        return fact.model_validate(fields)
    except ValidationError as exc:
        # The body is checked by now: it is the subject that holds what is no token of ours.
        raise BadInput("subject_mismatch", first_error(exc)) from None
