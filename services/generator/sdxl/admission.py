"""From the line into the batch: weights on their way, prompts encoded, then a seat."""

from collections import Counter, defaultdict
from collections.abc import Callable

import structlog
import torch

from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.ceilings import Ceilings
from services.generator.sdxl.drawing import Drawing
from services.generator.sdxl.lanes import Line
from services.generator.sdxl.loading import SlotLoads
from services.generator.sdxl.slots import Slots
from services.generator.sdxl.ticket import Ticket
from services.generator.sdxl.wishes import FailureCode, NoPicture
from shared import logs
from shared.content import Lane

log = structlog.get_logger()

Begin = Callable[[Ticket], Drawing]


class Admission:
    """Who waits and who sits. All of it happens between two steps."""

    def __init__(
        self, slots: Slots, loads: SlotLoads, begin: Begin, ceilings: Ceilings, *, ahead: int
    ) -> None:
        self.line: Line[Ticket] = Line()
        self.seated: defaultdict[Canvas, list[Ticket]] = defaultdict(list)
        self.parked = 0
        self._slots = slots
        self._loads = loads
        self._begin = begin
        self._ceilings = ceilings
        self._ahead = ahead

    def advance(self) -> dict[Ticket, NoPicture]:
        """Prepare who is next, seat who is ready. Those that are returned cannot be served."""
        refused = self._prepare()
        for ticket in refused:
            self.release(ticket)
        for ticket in self.line:
            if self._ready(ticket) and self._has_room(ticket):
                self.line.seat(ticket)
                self.seated[ticket.canvas].append(ticket)
        return refused

    def release(self, ticket: Ticket) -> None:
        """It is over for this one, wherever it was."""
        seats = self.seated[ticket.canvas]
        if ticket in seats:
            # The last one takes the seat: the others keep theirs, and nothing is copied for them.
            seats[seats.index(ticket)] = seats[-1]
            seats.pop()
        else:
            self.line.leave(ticket)
        if not seats:
            del self.seated[ticket.canvas]
        if ticket.slot is not None:
            self._slots.give(ticket.slot)
            ticket.slot = None
        ticket.drawing = None

    def everybody(self) -> list[Ticket]:
        """Who is here at all."""
        return [*self.line, *(ticket for seats in self.seated.values() for ticket in seats)]

    def _prepare(self) -> dict[Ticket, NoPicture]:
        places = Counter(
            {
                canvas: self._ceilings.of(canvas) + self._ahead - len(self.seated.get(canvas, ()))
                for canvas in {ticket.canvas for ticket in self.line}
            }
        )
        refused: dict[Ticket, NoPicture] = {}
        slots_left = True
        for ticket in self.line:
            if places[ticket.canvas] <= 0:
                continue
            if ticket.wants_slot:
                # Whoever came later must not keep the slots busy that an earlier one waits for.
                slots_left = slots_left and self._hold_slot(ticket)
                if not slots_left:
                    continue
            places[ticket.canvas] -= 1
            failure = self._drawn(ticket)
            if failure is not None:
                refused[ticket] = failure
        return refused

    def _hold_slot(self, ticket: Ticket) -> bool:
        slot = self._slots.take(ticket.weights.sha256) if ticket.weights else None
        if slot is not None and ticket.weights is not None:
            ticket.slot = slot
            self._loads.begin(slot, ticket.weights)
        return slot is not None

    def _drawn(self, ticket: Ticket) -> NoPicture | None:
        if ticket.slot is not None and ticket.slot.failure is not None:
            return ticket.slot.failure
        if ticket.drawing is not None:
            return None
        try:
            ticket.drawing = self._begin(ticket)
        except NoPicture as failure:
            return failure
        except torch.OutOfMemoryError:
            return NoPicture(FailureCode.CUDA_OOM, "the device has no memory left for the prompt")
        except Exception as exc:  # noqa: BLE001 - one wish must not end the others
            # Not its words: a prompt may be among them.
            log.error(  # noqa: TRY400
                "sdxl.not_begun", kind=type(exc).__name__, at=logs.where(exc)
            )
            detail = f"the image could not be begun ({type(exc).__name__})"
            return NoPicture(FailureCode.GENERATION_FAILED, detail)
        return None

    def _ready(self, ticket: Ticket) -> bool:
        return ticket.drawing is not None and (ticket.slot is None or ticket.slot.filled)

    def _has_room(self, ticket: Ticket) -> bool:
        seats = self.seated.get(ticket.canvas, [])
        if len(seats) < self._ceilings.of(ticket.canvas):
            return True
        return ticket.lane is Lane.INTERACTIVE and self._park_one(ticket.canvas)

    def _park_one(self, canvas: Canvas) -> bool:
        """A bulk image makes room, once, and goes on later where it was."""
        seats = self.seated[canvas]
        movable = [one for one in seats if one.lane is Lane.BULK and not one.parked]
        if not movable:
            return False
        parked = min(movable, key=lambda one: one.drawing.done if one.drawing else 0)
        seats[seats.index(parked)] = seats[-1]
        seats.pop()
        parked.parked = True
        self.parked += 1
        self.line.add(parked, first=True)
        return True
