"""Messages as they lie in a stream, many an answer.

`$JS.API.DIRECT.GET` with a batch, ADR-31 of nats-io/nats-architecture-and-design.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.audit.servers import CannotJudge

BATCH = 500
ANSWER_LIMIT_S = 15.0
END_OF_BATCH = "204"
NOTHING = "404"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message: `at` is when the broker took it in, in seconds since 1970."""

    subject: str
    sequence: int
    at: float
    data: bytes


async def stored_messages(nc: Client, stream: str, subject: str) -> Sequence[StoredMessage]:
    """Every message of a stream on these subjects, oldest first."""
    found: list[StoredMessage] = []
    while batch := await _batch(nc, stream, subject, found[-1].sequence + 1 if found else 1):
        found.extend(batch)
    return found


async def _batch(nc: Client, stream: str, subject: str, first: int) -> list[StoredMessage]:
    inbox = nc.new_inbox()
    answers = await nc.subscribe(inbox)
    question = {"seq": first, "batch": BATCH, "next_by_subj": subject}
    await nc.publish(f"$JS.API.DIRECT.GET.{stream}", json.dumps(question).encode(), reply=inbox)
    found: list[StoredMessage] = []
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while (raw := _raw(await answers.next_msg(timeout=ANSWER_LIMIT_S))) is not None:
                found.append(raw)
    finally:
        await answers.unsubscribe()
    return found


def _raw(message: Msg) -> StoredMessage | None:
    """A message of the stream; None at the end of a batch, or where there is nothing."""
    headers = message.headers or {}
    status = headers.get("Status")
    if status in {END_OF_BATCH, NOTHING}:
        return None
    if status is not None:
        raise CannotJudge(f"NATS: {status} {headers.get('Description', '')}")
    return StoredMessage(
        subject=headers["Nats-Subject"],
        sequence=int(headers["Nats-Sequence"]),
        at=_seconds(headers["Nats-Time-Stamp"]),
        data=message.data,
    )


def _seconds(stamp: str) -> float:
    """Seconds since 1970 of a time in RFC 3339 with nanoseconds, in UTC."""
    whole, _, fraction = stamp.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
