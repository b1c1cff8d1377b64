"""Leave for provider calls."""

from typing import Literal

from pydantic import Field

from shared.calls.base import Asked, Nothing
from shared.content import BlobRef, Captions, Generation, SubjectToken, Value
from shared.rpc import Call

AttemptKind = Literal["image", "captions"]
"""What is bought. A piece's calls of one kind say nothing about those of the other."""


class OpenAttempt(Asked):
    """Ask before calling a provider. Asking again with the same id gets the same answer."""

    attempt_id: SubjectToken
    task_id: SubjectToken
    piece_id: SubjectToken
    run: int = Field(ge=1)
    kind: AttemptKind = "image"
    provider: str = Field(max_length=64)
    holder: str = Field(max_length=120, description="the process that asks")
    lease_s: float = Field(gt=0, le=3600, description="longer than the call can take")
    most_in_flight: int | None = Field(
        default=None, ge=1, description="calls that all replicas may make there at a time"
    )
    lost_attempt_id: SubjectToken | None = Field(
        default=None, description="an earlier success whose bytes are gone: it has to be made again"
    )


class AttemptAnswer(Value):
    """What to do about a provider call.

    go: call, then settle `attempt_id`. done: an earlier call succeeded, use its result.
    pending: an earlier call was submitted, go on waiting for `call_id` under `attempt_id`.
    wait: somebody else may still be calling, or all calls that the provider may have at a time are
    under way (`reason` is `capacity`), or the end of the last call is not read yet (`unread`); come
    back after `after_s`. no: do not call, `reason` is one
    of cancelled, deadline, frozen, superseded, ended; for captions also `spent`: one call was lost
    already, and another one, so that no third is made.
    """

    answer: Literal["go", "done", "pending", "wait", "no"]
    attempt_id: str | None = None
    number: int | None = None
    provider: str | None = Field(default=None, description="of a pending call: who was asked")
    call_id: str | None = None
    after_s: float | None = None
    reason: str | None = None
    image: BlobRef | None = None
    generation: Generation | None = None
    captions: Captions | None = None


class NoteCall(Asked):
    """Record the vendor's id of a submitted call before waiting for its result."""

    piece_id: SubjectToken
    attempt_id: SubjectToken
    call_id: str = Field(max_length=200)


OPEN_ATTEMPT = Call("ledger.attempt.open", OpenAttempt, AttemptAnswer)
NOTE_CALL = Call("ledger.attempt.note", NoteCall, Nothing)
