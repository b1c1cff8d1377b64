"""Calls between services: NATS request–reply with typed requests, replies and refusals."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from pydantic import ValidationError

from shared.answering import Answering
from shared.content import Value
from shared.outcomes import TryLater
from shared.problems import Problem, ProblemDetails
from shared.topology import Topology

log = structlog.get_logger(__name__)

MAX_REPLY_BYTES = 256 * 1024

Request = TypeVar("Request", bound=Value)
Reply = TypeVar("Reply", bound=Value)


@dataclass(frozen=True, slots=True)
class Call(Generic[Request, Reply]):
    """A question that one service answers for others."""

    name: str
    request: type[Request]
    reply: type[Reply]


class _Envelope(Value):
    """A reply on the wire: the answer as JSON text, or the refusal."""

    answer: str | None = None
    problem: ProblemDetails | None = None


def answering(
    topology: Topology,
    call: Call[Request, Reply],
    handler: Callable[[Request], Awaitable[Reply]],
    *,
    workers: int = 16,
) -> Answering:
    """Answers `call` with `handler`, shared among all replicas, `workers` at a time in each."""

    async def answer(body: bytes) -> bytes:
        envelope = await _answer(call, handler, body)
        return envelope.model_dump_json(exclude_none=True).encode()

    return Answering(topology.rpc(call.name), answer, queue=call.name, workers=workers)


async def _answer(
    call: Call[Request, Reply], handler: Callable[[Request], Awaitable[Reply]], body: bytes
) -> _Envelope:
    try:
        request = call.request.model_validate_json(body)
    except ValidationError as exc:
        return _refusal(_not_understood(call.name, exc))
    try:
        text = (await handler(request)).model_dump_json()
    except Problem as problem:
        return _refusal(problem)
    except TryLater as exc:
        return _refusal(Problem(503, "unavailable", exc.detail))
    except Exception:
        log.exception("rpc.failed", call=call.name)
        return _refusal(Problem(500, "internal_error", f"{call.name} failed; see its log."))
    if len(text.encode()) > MAX_REPLY_BYTES:
        return _refusal(Problem(500, "reply_too_large", f"{call.name} answers too much at once."))
    return _Envelope(answer=text)


def _not_understood(name: str, exc: ValidationError) -> Problem:
    place = exc.errors(include_input=False, include_url=False)[0]["loc"]
    field = ".".join(str(part) for part in place) or None
    return Problem(422, "invalid_request", f"{name} does not understand the request.", field=field)


def _refusal(problem: Problem) -> _Envelope:
    return _Envelope(problem=problem.details)


class Caller:
    """Asks other services. Raises Problem for refusals and TryLater when nobody answers."""

    def __init__(self, nc: Client, topology: Topology, *, timeout_s: float = 5.0) -> None:
        self._nc = nc
        self._topology = topology
        self._timeout_s = timeout_s

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        try:
            message = await self._nc.request(
                self._topology.rpc(call.name),
                request.model_dump_json().encode(),
                timeout=timeout_s or self._timeout_s,
            )
        except MaxPayloadError as exc:
            detail = f"{call.name} is asked more than fits a message of the broker."
            raise Problem(413, "request_too_large", detail) from exc
        except (NatsError, OSError) as exc:
            raise TryLater(f"nobody answers {call.name}: {type(exc).__name__}") from exc
        envelope = _Envelope.model_validate_json(message.data)
        if envelope.problem is not None:
            if envelope.problem.code == "unavailable":
                raise TryLater(envelope.problem.detail)
            raise Problem.of(envelope.problem)
        return call.reply.model_validate_json(envelope.answer or "{}")
