"""The one thread that owns the device: rounds while there is something to do, and rest."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue

import structlog
import torch

from services.generator.sdxl.rounds import Rounds
from services.generator.sdxl.ticket import Ticket
from services.generator.sdxl.wishes import FailureCode, NoPicture

log = structlog.get_logger()

CLOSING = NoPicture(FailureCode.GENERATION_FAILED, "the engine is closing")
LOST = NoPicture(FailureCode.GENERATION_FAILED, "the device failed")


class DeviceLoop:
    """Begins with `build`, in its own thread, and then plays rounds until it is stopped."""

    def __init__(self, build: Callable[[], Rounds]) -> None:
        self.rounds: Rounds | None = None
        """There once the loop is ready."""
        self._build = build
        self._inbox: SimpleQueue[Ticket] = SimpleQueue()
        self._awake = threading.Event()
        self._closing_at: float | None = None
        # A daemon: a program that forgets to close must still be able to end.
        self._thread = threading.Thread(target=self._run, name="sdxl-device", daemon=True)
        self._ready: Future[None] = Future()

    def start(self) -> Future[None]:
        """Done when the first ticket may come; fails as `build` does."""
        self._thread.start()
        return self._ready

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def hand_in(self, ticket: Ticket) -> None:
        """From any thread."""
        self._inbox.put(ticket)
        self.wake()

    def wake(self) -> None:
        """Something changed: have a look. From any thread."""
        self._awake.set()

    def stop(self, grace_s: float) -> None:
        """Who waits is refused; who has begun may end within the grace. Blocks until it is over."""
        self._closing_at = time.monotonic() + grace_s
        self.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self.rounds = self._build()
        except BaseException as exc:  # noqa: BLE001 - whoever started it is told
            self._ready.set_exception(exc)
            return
        self._ready.set_result(None)
        with torch.inference_mode():
            while not self._over(self.rounds):
                self._once(self.rounds)
            self._take_in(self.rounds)
            self.rounds.end(CLOSING, begun=True)
            self.rounds.close()

    def _once(self, rounds: Rounds) -> None:
        self._awake.clear()
        try:
            self._take_in(rounds)
            if rounds.play() or rounds.rest():
                return
        except Exception:
            log.exception("sdxl.device_failed")
            rounds.give_up(LOST)
        if self._closing_at is None:
            self._awake.wait()

    def _take_in(self, rounds: Rounds) -> None:
        try:
            while True:
                rounds.take_in(self._inbox.get_nowait())
        except Empty:
            pass
        if self._closing_at is not None:
            rounds.end(CLOSING, begun=False)

    def _over(self, rounds: Rounds) -> bool:
        if self._closing_at is None:
            return False
        return rounds.empty or time.monotonic() >= self._closing_at
