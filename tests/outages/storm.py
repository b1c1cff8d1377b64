"""Very many clients at once, each with a connection of its own, over plain sockets."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANSWER_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """One request of one client."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, object] | None = None

    def as_bytes(self, host: str) -> bytes:
        """As it goes over the wire."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {
            "Host": host,
            "Connection": "close",
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            **self.headers,
        }
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {text}" for name, text in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_polite(self) -> bool:
        """Whether a refusal says what it is and when to come back."""
        return (
            self.headers.get("content-type") == "application/problem+json"
            and self.headers.get("retry-after", "").isdigit()
            and json.loads(self.body)["status"] == self.status
        )


@dataclass
class Outcome:
    """All of them together."""

    answers: list[Answer] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def statuses(self) -> Counter[int]:
        """Answers by status."""
        return Counter(answer.status for answer in self.answers)

    @property
    def codes(self) -> Counter[str]:
        """Refusals by the problem's code."""
        refusals = (answer.body for answer in self.answers if answer.status >= 400)
        return Counter(json.loads(body)["code"] for body in refusals)


async def storm(url: str, wishes: Iterable[Wish]) -> Outcome:
    """Send every wish at the same time, and wait for all."""
    outcome = Outcome()
    address = urlsplit(url)

    async def client(wish: Wish) -> None:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                outcome.answers.append(await _ask(address.hostname or "", address.port or 80, wish))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as exc:
            outcome.errors[type(exc).__name__] += 1

    await asyncio.gather(*(client(wish) for wish in wishes))
    return outcome


async def _ask(host: str, port: int, wish: Wish) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(wish.as_bytes(f"{host}:{port}"))
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, body)
    finally:
        writer.close()
