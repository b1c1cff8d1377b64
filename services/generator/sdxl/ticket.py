"""A wish on its way through the engine, and the one who waits for it on an event loop."""

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass, field

from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.drawing import Drawing, Start, canvas_of
from services.generator.sdxl.slots import Slot
from services.generator.sdxl.weights import LoraWeights
from services.generator.sdxl.wishes import FailureCode, NoPicture, OnStep, Picture, Wish
from shared.content import Lane


@dataclass(eq=False, slots=True)
class Ticket:
    """Made on the event loop; from there on the device's thread changes it.

    `dropped` is the one thing that its owner sets: nobody waits any more.
    """

    wish: Wish
    seed: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Picture]
    on_step: OnStep | None = None
    weights: LoraWeights | None = None
    start: Start | None = None
    """Given up once it is on the device."""
    since_s: float = field(default_factory=time.monotonic)
    dropped: bool = False
    slot: Slot | None = None
    drawing: Drawing | None = None
    parked: bool = False
    """Whether it has made room once already, which nobody has to do twice."""
    largest_batch: int = 0

    @property
    def lane(self) -> Lane:
        """Who waits for it: somebody, or nobody."""
        return self.wish.lane

    @property
    def canvas(self) -> Canvas:
        """Whom it may take steps with."""
        return canvas_of(self.wish)

    @property
    def wants_slot(self) -> bool:
        """Whether its LoRA has no slot yet."""
        return self.weights is not None and self.slot is None

    @property
    def begun(self) -> bool:
        """Whether it took a step."""
        return self.drawing is not None and self.drawing.done > 0

    def tell(self, done: int) -> None:
        """Steps done, to whoever wants to know."""
        if self.on_step is not None and not self.dropped:
            self._call(self.on_step, done, self.wish.steps)

    def give(self, picture: Picture) -> None:
        """It is there."""
        self._call(self._settle, picture)

    def refuse(self, failure: NoPicture) -> None:
        """There will be none."""
        # A new one: many may be refused for one reason, and an exception keeps where it was raised.
        again = NoPicture(failure.code, failure.detail, retry_after_s=failure.retry_after_s)
        self._call(self._settle, again)

    def fail(self, code: FailureCode, detail: str) -> None:
        """There will be none, for this reason."""
        self.refuse(NoPicture(code, detail))

    def _settle(self, answer: Picture | NoPicture) -> None:
        if self.future.done():
            return
        if isinstance(answer, NoPicture):
            self.future.set_exception(answer)
        else:
            self.future.set_result(answer)

    def _call(self, function: object, *args: object) -> None:
        # A loop that was closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *args)  # type: ignore[arg-type]


def ticket_of(wish: Wish, on_step: OnStep | None) -> Ticket:
    """A ticket for whoever waits on the running event loop; without a seed, it gets one."""
    here = asyncio.get_running_loop()
    seed = secrets.randbelow(2**32) if wish.seed is None else wish.seed
    return Ticket(wish, seed, here, here.create_future(), on_step)
