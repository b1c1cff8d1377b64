"""What a library did so far."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts since the start, and `memory_bytes` as it is now.

    Whoever waits for what somebody else asked for is counted in `asked` only.
    """

    asked: int = 0
    memory_hits: int = 0
    disk_hits: int = 0
    """Read from the disk, without or after asking the store whether it has changed."""
    unchanged: int = 0
    """Times that a store said so."""
    fetched: int = 0
    fetched_bytes: int = 0
    failed_fetches: int = 0
    spoiled: int = 0
    """Files whose bytes, or themselves, were gone from the disk, and were fetched again."""
    refused: int = 0
    memory_bytes: int = 0
