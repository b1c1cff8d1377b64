"""The engine: many wishes at once on an event loop, one thread that makes them into pictures."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from services.generator.sdxl.components import Components
from services.generator.sdxl.device_loop import CLOSING, DeviceLoop
from services.generator.sdxl.drawing import start_of, unfit
from services.generator.sdxl.figures import EngineFigures, Tally, figures_of
from services.generator.sdxl.finishing import Finisher
from services.generator.sdxl.limits import EngineLimits
from services.generator.sdxl.places import Places
from services.generator.sdxl.rounds import Rounds
from services.generator.sdxl.studio import studio_of
from services.generator.sdxl.ticket import Ticket, ticket_of
from services.generator.sdxl.weights import LoraLibrary, LoraWeights
from services.generator.sdxl.wishes import (
    EngineHealth,
    EngineState,
    FailureCode,
    NoPicture,
    OnStep,
    Picture,
    Wish,
)

FINISHERS = 4
DEGRADED_AFTER = 3
"""Broken rounds in a row."""


class Engine:
    """An ImageEngine. `start` it, or enter it; both end with the model ready for the first wish."""

    def __init__(
        self, components: Components, library: LoraLibrary, limits: EngineLimits | None = None
    ) -> None:
        self._components = components
        self._library = library
        self._limits = limits or EngineLimits()
        self._tally = Tally()
        self._places = Places(self._limits.waiting, self._tally)
        self._packers = ThreadPoolExecutor(1, thread_name_prefix="sdxl-packer")
        self._hands = ThreadPoolExecutor(FINISHERS, thread_name_prefix="sdxl-finisher")
        self._loop = DeviceLoop(self._build)
        self._ready = False
        self._refusal: NoPicture | None = None

    async def start(self) -> None:
        """Makes the model ready. Raises NoPicture (MODEL_LOAD_FAILED)."""
        try:
            await asyncio.wrap_future(self._loop.start())
        except Exception as exc:
            detail = f"the model could not be made ready ({type(exc).__name__})"
            self._refusal = NoPicture(FailureCode.MODEL_LOAD_FAILED, detail)
            raise NoPicture(FailureCode.MODEL_LOAD_FAILED, detail) from exc
        self._tally.since_s = time.monotonic()
        self._ready = True

    async def close(self) -> None:
        """Refuses who waits; who has begun may end within `closing_s`, and is refused after."""
        self._refusal = CLOSING
        await asyncio.to_thread(self._loop.stop, self._limits.closing_s)
        self._packers.shutdown(wait=False, cancel_futures=True)
        # Pictures that are drawn are also written.
        await asyncio.to_thread(self._hands.shutdown)
        for ticket in self._places.inside():
            ticket.refuse(CLOSING)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def generate(self, wish: Wish, *, on_step: OnStep | None = None) -> Picture:
        """One image. Raises NoPicture and QueueFull; cancelling takes effect at the next step."""
        self._check(wish)
        ticket = ticket_of(wish, on_step)
        self._places.enter(ticket)
        try:
            async with asyncio.timeout(wish.limit_s):
                return await self._served(ticket)
        except TimeoutError:
            detail = f"no image within {wish.limit_s:g} s"
            raise NoPicture(FailureCode.TIMEOUT, detail) from None
        finally:
            self._places.leave(ticket)
            ticket.dropped = True
            self._loop.wake()

    def health(self) -> EngineHealth:
        """Known at once, whatever the device is doing."""
        running, waiting = self._places.count()
        rounds = self._loop.rounds
        state, detail = self._state(rounds)
        return EngineHealth(
            state=state,
            detail=detail,
            model=self._components.base_model,
            device=rounds.studio.device.name if rounds else str(self._components.device),
            slots=self._limits.slots,
            slots_taken=rounds.studio.slots.held if rounds else 0,
            running=running,
            waiting=waiting,
            room=max(0, self._limits.waiting - waiting),
        )

    def figures(self) -> EngineFigures:
        """What was done since the engine was ready."""
        rounds = self._loop.rounds
        return rounds.figures() if rounds else figures_of(self._tally)

    async def _served(self, ticket: Ticket) -> Picture:
        wish, parts = ticket.wish, self._components
        ticket.weights = await self._weights(wish)
        ticket.start = await asyncio.get_running_loop().run_in_executor(
            self._hands,
            start_of,
            wish,
            ticket.seed,
            parts.scheduler_config,
            int(parts.unet.config.in_channels),
        )
        self._loop.hand_in(ticket)
        return await ticket.future

    async def _weights(self, wish: Wish) -> LoraWeights | None:
        if wish.lora is None:
            return None
        return await self._library.weights(wish.lora.url, limit_s=wish.limit_s)

    def _check(self, wish: Wish) -> None:
        if self._refusal is not None:
            raise NoPicture(self._refusal.code, self._refusal.detail)
        if not self._ready:
            raise NoPicture(FailureCode.MODEL_LOAD_FAILED, "the model is still loading")
        reason = unfit(wish)
        if reason:
            raise NoPicture(FailureCode.INVALID_PROMPT, reason)

    def _state(self, rounds: Rounds | None) -> tuple[EngineState, str]:
        if self._refusal is not None:
            return EngineState.DEGRADED, self._refusal.detail
        if not self._ready or rounds is None:
            return EngineState.LOADING, "the model is loading"
        if not self._loop.alive:
            return EngineState.DEGRADED, "the device's thread has ended"
        if rounds.broken >= DEGRADED_AFTER:
            return EngineState.DEGRADED, f"{rounds.broken} steps in a row failed"
        return EngineState.READY, ""

    def _build(self) -> Rounds:
        studio = studio_of(
            self._components, self._limits, self._tally, self._packers, self._loop.wake
        )
        finisher = Finisher(self._components, self._tally, self._hands)
        return Rounds(studio, self._tally, finisher.hand_in)
