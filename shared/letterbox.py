"""Dead letters as operators handle them: found, read, sent again, dropped."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError
from pydantic import ValidationError

from shared.blobs import BlobStore
from shared.deadletters import DeadLetter
from shared.permissions import REPLAYED
from shared.topology import Topology

REPLAY_OF = "Atelier-Replay-Of"
"""Header of a message that was sent again; names the dead letter."""

_AT_ONCE = 500
_PATIENCE_S = 5.0
_ID_TOKENS = 3
_WHOLE_ID = re.compile(r"[A-Za-z0-9_-]+\.[0-9]+\.[0-9a-f]{16}")


class NoSuchLetter(LookupError):
    """No dead letter has this id, or more than one begins with it."""


class NotReplayable(ValueError):
    """Only who decides such a fact may write it."""


class NotALetter(ValueError):
    """Something else lies among the dead letters."""


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter where it lies. `id` is `<step>.<sequence of the message>.<hash>`."""

    id: str
    sequence: int
    kept_at: datetime
    letter: DeadLetter

    @property
    def replay_of(self) -> str | None:
        """The dead letter that this one was before, if it was sent again in vain."""
        return self.letter.headers.get(REPLAY_OF)


class Letterbox:
    """The dead letters of one installation.

    Everything raises nats' errors while the broker is away; whatever reads letters NotALetter.
    """

    def __init__(self, js: JetStreamContext, topology: Topology, bodies: BlobStore) -> None:
        self._js = js
        self._topology = topology
        self._bodies = bodies

    async def letters(self) -> AsyncIterator[KeptLetter]:
        """Every letter, oldest first, as they were when the reading began."""
        stream = self._topology.dead_letter_stream
        left = (await self._js.stream_info(stream)).state.messages
        # Nobody needs to acknowledge what stays where it is.
        reading = await self._js.pull_subscribe(
            self._topology.dead_letter_subject(">"),
            stream=stream,
            config=ConsumerConfig(ack_policy=AckPolicy.NONE),
        )
        try:
            while left > 0:
                messages = await reading.fetch(min(left, _AT_ONCE), timeout=_PATIENCE_S)
                for message in messages:
                    metadata = message.metadata
                    yield self._kept(
                        message.subject, metadata.sequence.stream, metadata.timestamp, message.data
                    )
                # What was dropped meanwhile will not come any more.
                left = min(left - len(messages), messages[-1].metadata.num_pending)
        except NatsTimeout:
            # Fewer letters than there are could make the beginning of an id look unique.
            if (await reading.consumer_info()).num_pending:
                raise
        finally:
            await reading.unsubscribe()

    async def find(self, ident: str) -> KeptLetter:
        """The letter with this id, or the one whose id begins so. Raises NoSuchLetter."""
        if not ident.strip():
            raise NoSuchLetter("the id is empty; see `atelier dlq list`")
        # Anything else could be a wildcard to the broker.
        if _WHOLE_ID.fullmatch(ident):
            subject = self._topology.dead_letter_subject(*ident.split("."))
            try:
                found = await self._js.get_last_msg(self._topology.dead_letter_stream, subject)
            except NotFoundError:
                pass  # perhaps the beginning of one
            else:
                kept_at = found.time or datetime.now(UTC)
                return self._kept(subject, found.seq or 0, kept_at, found.data or b"")
        matching = [letter async for letter in self.letters() if letter.id.startswith(ident)]
        if len(matching) != 1:
            many = f"{len(matching)} dead letters begin" if matching else "no dead letter begins"
            raise NoSuchLetter(f"{many} with {ident[:80]!r}; see `atelier dlq list`")
        return matching[0]

    async def body(self, kept: KeptLetter) -> bytes:
        """The message as it was. Raises BlobMissing."""
        return await self._bodies.get(kept.letter.body)

    async def replay(self, kept: KeptLetter, *, body: bytes | None = None) -> None:
        """Send the message again, as it was or with another body; returns once it is safe.

        Raises NotReplayable, BlobMissing. Doing it twice is harmless: what follows from a fact is
        written once.
        """
        self._check_replayable(kept.letter.subject)
        # The stream keeps the first message on this subject; this one comes after it on purpose.
        headers = {
            name: text
            for name, text in kept.letter.headers.items()
            if not name.lower().startswith("nats-") and name != REPLAY_OF
        }
        headers[REPLAY_OF] = kept.id
        data = await self.body(kept) if body is None else body
        await self._js.publish(kept.letter.subject, data, headers=headers, timeout=_PATIENCE_S)

    async def drop(self, kept: KeptLetter) -> None:
        """Forget the letter and its body; dropping twice is fine."""
        try:
            await self._js.delete_msg(self._topology.dead_letter_stream, kept.sequence)
        except NotFoundError:
            pass  # somebody else did
        except NatsError as exc:
            if "no message found" not in str(exc):
                raise
        await self._bodies.delete(kept.letter.body)

    def _check_replayable(self, subject: str) -> None:
        for fact in REPLAYED:
            if subject.startswith(self._topology.subjects(fact).removesuffix(">")):
                return
        raise NotReplayable(
            f"{subject[:80]!r}: only its own service may write this fact. The ledger asks for its "
            "piece again by itself; drop the letter."
        )

    def _kept(self, subject: str, sequence: int, kept_at: datetime, data: bytes) -> KeptLetter:
        ident = ".".join(subject.split(".")[-_ID_TOKENS:])
        try:
            return KeptLetter(ident, sequence, kept_at, DeadLetter.model_validate_json(data))
        except ValidationError as exc:
            stream = self._topology.dead_letter_stream
            raise NotALetter(f"message {sequence} of {stream} is no dead letter") from exc
