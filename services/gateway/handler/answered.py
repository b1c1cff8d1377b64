"""What comes of a request that is answered once by its key."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer as JSON; `replayed` if it had been given before."""

    answer: dict[str, Any]
    replayed: bool
