"""The log of facts on JetStream: each fact is written once, and the broker itself sees to it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from shared import wire
from shared.events import Fact
from shared.outcomes import GiveUp, TryLater
from shared.topology import Topology

_NO_MESSAGE = 10037
_WRONG_LAST_SEQUENCE = 10071
_PUBACK_TIMEOUT_S = 5.0


def utc_now() -> datetime:
    """The time stamped on facts at the moment they are written."""
    return datetime.now(UTC)


class FactLog(Protocol):
    """Where facts are written and looked up."""

    async def write(self, fact: Fact) -> bool:
        """Write a fact; False if somebody had written it before.

        Raises TryLater, and GiveUp for a fact that nobody would read because of its size.
        """
        ...

    async def holds(self, fact: type[Fact], tokens: tuple[str, ...]) -> bool:
        """Whether a fact of this kind with these subject tokens exists. Raises TryLater."""
        ...


class JetStreamFactLog:
    """Facts as messages, one stream per kind.

    `Nats-Expected-Last-Subject-Sequence: 0` makes the broker refuse a second message on the same
    subject for as long as the stream keeps the first, not only inside its dedupe window
    (https://docs.nats.io/nats-concepts/jetstream/headers).
    """

    def __init__(
        self,
        js: JetStreamContext,
        topology: Topology,
        *,
        source: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._js = js
        self._topology = topology
        self._source = source
        self._now = now

    async def write(self, fact: Fact) -> bool:
        body = wire.encode(fact)
        if len(body) > wire.MAX_BODY_BYTES:
            raise GiveUp("fact_too_large", f"{fact.NAME} of {len(body)} bytes")
        headers = wire.headers(fact, source=self._source, at=self._now())
        headers["Nats-Expected-Last-Subject-Sequence"] = "0"
        headers["Nats-Msg-Id"] = wire.event_id(fact)
        try:
            ack = await self._js.publish(
                self._topology.subject(fact),
                body,
                timeout=_PUBACK_TIMEOUT_S,
                stream=self._topology.stream(type(fact)),
                headers=headers,
            )
        except APIError as exc:
            if exc.err_code == _WRONG_LAST_SEQUENCE:
                return False
            raise TryLater(f"{fact.NAME} refused by the broker: {exc.description}") from exc
        except (NatsError, OSError) as exc:
            raise TryLater(f"{fact.NAME} not acknowledged: {type(exc).__name__}") from exc
        return not ack.duplicate

    async def holds(self, fact: type[Fact], tokens: tuple[str, ...]) -> bool:
        subject = self._topology.subject_of(fact, tokens)
        try:
            # Not a direct get: a follower may not know yet what was written a moment ago.
            await self._js.get_last_msg(self._topology.stream(fact), subject)
        except NotFoundError as exc:
            if exc.err_code == _NO_MESSAGE:
                return False
            raise TryLater(f"{fact.NAME} has no stream; run `atelier provision`") from exc
        except (NatsError, OSError) as exc:
            raise TryLater(f"{fact.NAME} lookup: {type(exc).__name__}") from exc
        return True
