"""The broker's messages, read raw: every fact, every dead letter, and what staging lists.

Staged bytes lie in chunks under `blob.<bucket>.<piece>.<run>.<sha256>.<chunk>`.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tests.audit.servers import OPERATOR, CannotJudge, Servers
from tests.audit.stored_messages import stored_messages

FACTS = (
    *("content.requested", "image.generated", "content.hooked", "content.moderated"),
    *("content.stored", "review.approved", "content.halted", "content.persisted"),
    *(
        "content.rejected",
        "content.failed",
        "delivery.withdrawn",
        "task.completed",
        "attempt.settled",
    ),
)
DEAD_LETTER = "dead.letter"
STAGING = "staging"


@dataclass(frozen=True, slots=True)
class FactMessage:
    """A message of a fact's stream. `tokens` are what follows the fact's name in its subject."""

    fact: str
    tokens: tuple[str, ...]
    sequence: int
    at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StagedImage:
    """Bytes in private staging; `name` is `piece/run/sha256`, `chunks` may be fewer than all."""

    name: str
    chunks: int

    @property
    def piece_id(self) -> str:
        """The piece that the image was made for."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable consumer: messages it has not been given, and messages it has not settled."""

    stream: str
    durable: str
    waiting: int
    unsettled: int


@dataclass(frozen=True, slots=True)
class Streams:
    """The broker at one moment."""

    facts: tuple[FactMessage, ...] = ()
    staged: tuple[StagedImage, ...] = ()
    queues: tuple[Queue, ...] = ()
    dead_letters: tuple[FactMessage, ...] = ()


async def read_streams(servers: Servers) -> Streams:
    """Everything of interest on the broker. Raises CannotJudge."""
    try:
        async with _connection(servers) as nc:
            return await _streams(nc, servers.namespace)
    except (NatsError, OSError, TimeoutError) as exc:
        raise CannotJudge(f"NATS: {type(exc).__name__}: {exc}") from exc


async def _streams(nc: Client, namespace: str) -> Streams:
    facts: list[FactMessage] = []
    queues: list[Queue] = []
    # Effects before causes: whatever is seen to follow from a fact, that fact is seen too.
    for fact in reversed(FACTS):
        facts.extend(await _facts(nc, namespace, fact))
        queues.extend(await _queues(nc, _stream(namespace, fact)))
    bucket = f"{namespace}-{STAGING}" if namespace else STAGING
    return Streams(
        facts=tuple(facts),
        staged=await _staged(nc, bucket),
        queues=tuple(queues),
        dead_letters=tuple(await _facts(nc, namespace, DEAD_LETTER)),
    )


@asynccontextmanager
async def _connection(servers: Servers) -> AsyncIterator[Client]:
    nc = await nats.connect(
        servers.nats_url,
        nkeys_seed=servers.nats_seed_file,
        inbox_prefix=f"_INBOX_{OPERATOR}",
        max_reconnect_attempts=1,
    )
    try:
        yield nc
    finally:
        await nc.close()


def _stream(namespace: str, fact: str) -> str:
    name = fact.replace(".", "_").upper()
    return f"{namespace.upper()}_{name}" if namespace else name


async def _facts(nc: Client, namespace: str, fact: str) -> list[FactMessage]:
    root = f"{namespace}.{fact}" if namespace else fact
    messages = await stored_messages(nc, _stream(namespace, fact), f"{root}.>")
    return [
        FactMessage(
            fact=fact,
            tokens=tuple(message.subject.removeprefix(f"{root}.").split(".")),
            sequence=message.sequence,
            at=message.at,
            body=_body(message.data),
        )
        for message in messages
    ]


def _body(data: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def _staged(nc: Client, bucket: str) -> tuple[StagedImage, ...]:
    info = await nc.jetstream().stream_info(f"BLOB_{bucket}", subjects_filter=f"blob.{bucket}.>")
    names = Counter(_blob_name(subject) for subject in info.state.subjects or {})
    return tuple(StagedImage(name, chunks) for name, chunks in names.items())


def _blob_name(subject: str) -> str:
    """`<piece>/<run>/<sha256>` of the subject of a chunk."""
    return "/".join(subject.split(".")[2:-1])


async def _queues(nc: Client, stream: str) -> list[Queue]:
    js = nc.jetstream()
    return [
        Queue(stream, info.name, info.num_pending or 0, info.num_ack_pending or 0)
        for info in await js.consumers_info(stream)
    ]
