"""Requests that cost money and make no task: paid for once by a key, and answered again by it."""

from typing import Any, Literal

from pydantic import Field

from shared.calls.base import Asked, Nothing
from shared.calls.tasks import OrderKey
from shared.content import SubjectToken, Value
from shared.rpc import Call


class ClaimRequest(Asked):
    """Ask before anything is paid for. Asking again as the same holder gets the same answer."""

    request_key: OrderKey
    holder: SubjectToken = Field(description="made by who asks, for this request alone")
    lease_s: float = Field(gt=0, le=3600, description="longer than the request can take")


class RequestClaim(Value):
    """What to do about a request.

    go: answer it, then complete it, or release it where nothing was paid for. done: it was answered
    before, by `answer`. wait: somebody is about to answer it. lost: it was begun twice and never
    answered, so that nobody knows what it has cost.
    """

    state: Literal["go", "done", "wait", "lost"]
    answer: dict[str, Any] | None = None


class RequestRef(Asked):
    """A request as its holder knows it."""

    key: str = Field(min_length=1, max_length=320)
    holder: SubjectToken


class CompleteRequest(RequestRef):
    """The answer, to be given again for seven days; the reply has the one that counts."""

    answer: dict[str, Any]


class ReleaseRequest(RequestRef):
    """The request was not answered."""

    was_paid_for: bool = Field(description="or may have been: then it is begun once more at most")


CLAIM_REQUEST = Call("ledger.request.claim", ClaimRequest, RequestClaim)
COMPLETE_REQUEST = Call("ledger.request.complete", CompleteRequest, RequestClaim)
RELEASE_REQUEST = Call("ledger.request.release", ReleaseRequest, Nothing)
