"""Messages that nobody can read, kept whole with the reason."""

from typing import Protocol

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError
from pydantic import Field

from shared.blobs import BlobStore
from shared.content import BlobRef, Value
from shared.outcomes import TryLater
from shared.topology import Topology

_WRONG_LAST_SEQUENCE = 10071
_LONGEST_DETAIL = 1000


class DeadLetter(Value):
    """A message that could not be read: where it lay, why it failed, and its bytes."""

    step: str
    subject: str
    sequence: int = Field(description="of the message in its stream")
    reason: str
    detail: str
    headers: dict[str, str]
    body: BlobRef


class DeadLetters(Protocol):
    """Where unreadable messages go."""

    async def keep(
        self,
        *,
        step: str,
        subject: str,
        sequence: int,
        reason: str,
        detail: str,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        """Keep the letter once, however often it is buried. Raises TryLater."""
        ...


class JetStreamDeadLetters:
    """One message a letter; the raw bytes go by claim check, they may be of any size."""

    def __init__(self, js: JetStreamContext, topology: Topology, blobs: BlobStore) -> None:
        self._js = js
        self._topology = topology
        self._blobs = blobs

    async def keep(
        self,
        *,
        step: str,
        subject: str,
        sequence: int,
        reason: str,
        detail: str,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        name = f"{step}/{sequence}"
        ref = await self._blobs.put(name, body, media_type="application/octet-stream")
        letter = DeadLetter(
            step=step,
            subject=subject,
            sequence=sequence,
            reason=reason,
            detail=detail[:_LONGEST_DETAIL],
            headers=headers,
            body=ref,
        )
        try:
            await self._js.publish(
                # With the hash: the sequences of a stream that was made anew begin again.
                self._topology.dead_letter_subject(step, str(sequence), ref.sha256[:16]),
                letter.model_dump_json().encode(),
                stream=self._topology.dead_letter_stream,
                headers={"Nats-Expected-Last-Subject-Sequence": "0"},
            )
        except APIError as exc:
            if exc.err_code != _WRONG_LAST_SEQUENCE:
                raise TryLater(f"dead letter refused: {exc.description}") from exc
        except (NatsError, OSError) as exc:
            raise TryLater(f"dead letter: {type(exc).__name__}") from exc
