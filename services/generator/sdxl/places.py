"""Room in the engine: who is in it, how many wait, and when to ask again."""

import math
import threading

from services.generator.sdxl.figures import Tally
from services.generator.sdxl.ticket import Ticket
from services.generator.sdxl.wishes import QueueFull

UNMEASURED_S = 2.0
"""What a picture is taken to cost before one was made."""


class Places:
    """So many may wait. Who has begun waits no more. For any thread."""

    def __init__(self, limit: int, tally: Tally) -> None:
        self._limit = limit
        self._tally = tally
        self._inside: set[Ticket] = set()
        self._lock = threading.Lock()

    def enter(self, ticket: Ticket) -> None:
        """A place for this one. Raises QueueFull."""
        with self._lock:
            waiting = self._waiting()
            if waiting >= self._limit:
                raise QueueFull(self._half_as_long(waiting))
            self._inside.add(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Whether there is a picture or not."""
        with self._lock:
            self._inside.discard(ticket)

    def inside(self) -> list[Ticket]:
        """Who is here."""
        with self._lock:
            return list(self._inside)

    def count(self) -> tuple[int, int]:
        """Those that have begun, and those that wait."""
        with self._lock:
            waiting = self._waiting()
            return len(self._inside) - waiting, waiting

    def _waiting(self) -> int:
        return sum(1 for ticket in self._inside if not ticket.largest_batch)

    def _half_as_long(self, waiting: int) -> float:
        # When half of those who wait have been served: sooner, everybody would come in vain.
        made = self._tally.pictures
        each_s = self._tally.busy_s / made if made else UNMEASURED_S
        return max(1.0, math.ceil(each_s * waiting / 2))
