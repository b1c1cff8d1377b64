"""Names of a chain's streams, and the settings of its processes."""

import os
from dataclasses import dataclass
from typing import Self

STEPS = 5
"""As many as a piece has between `content.requested` and `content.persisted`."""

PERMITS = 64
BODY = b"{" + b" " * 1998 + b"}"
"""As large as a fact about a piece usually is."""

_URL, _STEP = "BENCH_CHAIN_URL", "BENCH_CHAIN_STEP"


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the chain: takes from one stream, publishes to the next."""

    url: str
    step: int

    @classmethod
    def of_environment(cls) -> Self:
        """What this process is to do."""
        return cls(os.environ[_URL], int(os.environ[_STEP]))

    def environment(self) -> dict[str, str]:
        """What tells a process to be this hop."""
        return {_URL: self.url, _STEP: str(self.step)}

    @property
    def taken(self) -> str:
        """The stream that it takes from."""
        return f"HOP{self.step}"

    @property
    def given(self) -> str:
        """The stream that it publishes to."""
        return f"HOP{self.step + 1}"

    @property
    def durable(self) -> str:
        """Its consumer."""
        return f"step{self.step}"


def subject(stream: str, piece: str) -> str:
    """Where a piece's message lies in a stream."""
    return f"{stream.lower()}.{piece}"
