"""Stand-ins for the ports of the stage runtime."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared import wire
from shared.events import Fact
from shared.factlog import utc_now
from shared.outcomes import TryLater
from shared.topology import Topology


@dataclass
class HandedOut:
    """A delivery that remembers what became of it. Raises `ack_error` instead of an ack."""

    subject: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 1
    deliveries: int = 1
    stored_at: datetime = field(default_factory=utc_now)
    ack_error: Exception | None = None
    acks: int = 0
    handed_back: list[float] = field(default_factory=list)
    beats: int = 0

    @classmethod
    def of(cls, event: Fact, *, deliveries: int = 1) -> "HandedOut":
        return cls(Topology().subject(event), wire.encode(event), deliveries=deliveries)

    async def ack(self) -> None:
        if self.ack_error is not None:
            raise self.ack_error
        self.acks += 1

    async def hand_back(self, after_s: float) -> None:
        self.handed_back.append(after_s)

    async def beat(self) -> None:
        self.beats += 1

    @property
    def is_open(self) -> bool:
        """Nobody has said what becomes of it; the broker would hand it out again."""
        return not self.acks and not self.handed_back


@dataclass
class MemoryFactLog:
    """A fact log in a dictionary.

    `away` makes every call fail as an absent broker does, `refusal` every write.
    """

    written: dict[str, Fact] = field(default_factory=dict)
    lookups: int = 0
    away: bool = False
    refusal: Exception | None = None

    async def write(self, fact: Fact) -> bool:
        self._reach()
        if self.refusal is not None:
            raise self.refusal
        return self.written.setdefault(wire.event_id(fact), fact) is fact

    async def holds(self, fact: type[Fact], tokens: tuple[str, ...]) -> bool:
        self._reach()
        self.lookups += 1
        return "/".join((fact.NAME, *tokens)) in self.written

    def of(self, fact: type[Fact]) -> list[Fact]:
        return [known for known in self.written.values() if type(known) is fact]

    def _reach(self) -> None:
        if self.away:
            raise TryLater("the broker is away")


@dataclass
class MemoryDeadLetters:
    """Letters in a list, without the bytes of their bodies' store."""

    kept: list[tuple[str, str, bytes]] = field(default_factory=list)

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
        del step, sequence, detail, headers
        letter = (reason, subject, body)
        if letter not in self.kept:
            self.kept.append(letter)
