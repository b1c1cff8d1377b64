"""A round: who left leaves, who is ready joins, one size takes a step, the finished are decoded."""

from collections.abc import Callable, Iterable

import structlog
import torch

from services.generator.sdxl.decoding import Decoded
from services.generator.sdxl.drawing import Drawing
from services.generator.sdxl.figures import EngineFigures, Tally, figures_of
from services.generator.sdxl.pacing import Pace, Turn
from services.generator.sdxl.stepping import BROKEN, OUT_OF_MEMORY
from services.generator.sdxl.studio import Studio
from services.generator.sdxl.ticket import Ticket
from services.generator.sdxl.turns import Turns
from services.generator.sdxl.wishes import NoPicture
from shared.content import Lane

log = structlog.get_logger()

Deliver = Callable[[Ticket, Decoded], None]


class Rounds:
    """For the device's thread alone. It waits for the device in the pace and in `rest`, only."""

    def __init__(self, studio: Studio, tally: Tally, deliver: Deliver) -> None:
        self.broken = 0
        """Rounds in a row in which something broke."""
        self.studio = studio
        self._admission = studio.admission
        self._tally = tally
        self._deliver = deliver
        self._turns = Turns()
        self._pace = Pace()

    def take_in(self, ticket: Ticket) -> None:
        """Somebody new, at the end of the line."""
        self._admission.line.add(ticket)

    def play(self) -> bool:
        """One round. False: there was nothing to do."""
        turn = Turn(self.studio.device.mark())
        left = self._let_go()
        moved = self.studio.loads.advance()
        refused = self._admission.advance()
        for ticket, failure in refused.items():
            ticket.refuse(failure)
        stepped = self._step(turn)
        if stepped:
            self._pace.add(turn, self.studio.device.mark())
        self._settle(self._pace.done())
        return left or moved or bool(refused) or stepped

    def rest(self) -> bool:
        """Wait for what the device still does. False: it does nothing."""
        if self._pace:
            self._settle(self._pace.done(ahead=0))
            return True
        return self.studio.loads.uploading and self.studio.loads.advance(patient=True)

    def end(self, failure: NoPicture, *, begun: bool) -> None:
        """Those who wait will get nothing; with `begun`, nor will those who sit already."""
        for ticket in self._admission.everybody():
            if begun or not ticket.begun:
                self._refuse(ticket, failure)

    def give_up(self, failure: NoPicture) -> None:
        """Something broke that is nobody's own: all are refused, the next round starts afresh."""
        self.broken += 1
        self.end(failure, begun=True)
        for turn in self._pace.forget():
            for ticket, _ in turn.decoded:
                ticket.refuse(failure)
        self.studio.loads.abandon()

    def close(self) -> None:
        """No round will follow; pictures that are drawn are still given."""
        self.studio.loads.close()
        self._settle(self._pace.done(ahead=0))

    def figures(self) -> EngineFigures:
        """What was done. From any thread."""
        slots, encoder = self.studio.slots, self.studio.encoder
        return figures_of(
            self._tally,
            parked=self._admission.parked,
            lora_copies=self.studio.loads.copies,
            slot_hits=slots.hits,
            slot_misses=slots.misses,
            slot_evictions=slots.evictions,
            prompts_encoded=encoder.encoded,
            prompts_remembered=encoder.remembered,
        )

    @property
    def empty(self) -> bool:
        """Whether nobody is here any more."""
        return not self._admission.everybody() and not self._pace

    def _let_go(self) -> bool:
        dropped = [ticket for ticket in self._admission.everybody() if ticket.dropped]
        for ticket in dropped:
            self._admission.release(ticket)
        return bool(dropped)

    def _step(self, turn: Turn) -> bool:
        seated = self._admission.seated
        if not seated:
            return False
        urgent = {canvas: any(map(_waited_for, seats)) for canvas, seats in seated.items()}
        canvas = self._turns.next(urgent)
        drawings = {one.drawing: one for one in seated[canvas] if one.drawing is not None}
        failed = self.studio.stepper.step(list(drawings))
        # Before anybody is told, who may ask at once how the engine is.
        self.broken = self.broken + 1 if BROKEN in failed.values() else 0
        for drawing, ticket in drawings.items():
            if drawing in failed:
                self._refuse(ticket, failed[drawing])
            else:
                self._went_on(turn, ticket, drawing)
        return True

    def _went_on(self, turn: Turn, ticket: Ticket, drawing: Drawing) -> None:
        turn.told.append((ticket, drawing.done))
        ticket.largest_batch = drawing.largest_batch
        if not drawing.finished:
            return
        decoded = self._decoded(drawing) or self._decoded(drawing)
        if decoded is None:
            self._refuse(ticket, OUT_OF_MEMORY)
        else:
            turn.decoded.append((ticket, decoded))
            self._admission.release(ticket)

    def _decoded(self, drawing: Drawing) -> Decoded | None:
        try:
            return self.studio.decoder.decode(drawing.latents)
        except torch.OutOfMemoryError:
            log.warning("sdxl.out_of_memory", decoding=True)
        self.studio.device.drop_cache()
        return None

    def _refuse(self, ticket: Ticket, failure: NoPicture) -> None:
        self._tally.failures[failure.code] += 1
        self._admission.release(ticket)
        ticket.refuse(failure)

    def _settle(self, turns: Iterable[tuple[Turn, float]]) -> None:
        for turn, busy_s in turns:
            self._tally.busy_s += busy_s
            for ticket, done in turn.told:
                ticket.tell(done)
            for ticket, decoded in turn.decoded:
                self._deliver(ticket, decoded)


def _waited_for(ticket: Ticket) -> bool:
    return ticket.lane is Lane.INTERACTIVE
