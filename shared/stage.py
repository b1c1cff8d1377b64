"""The stage runtime: parse → receipt → handle with heartbeat → publish with PubAck → ack.

Written once, used by every step. No path ends in silence: a message is acknowledged after its
successor is safely written, handed back with a delay, or kept as a dead letter.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar, cast

import structlog

from shared import failpoints, wire
from shared.deadletters import DeadLetters
from shared.events import ContentHalted, Fact, PieceFact
from shared.factlog import FactLog, utc_now
from shared.outcomes import BadInput, GiveUp, TryLater
from shared.settlement import Halt, Retry, backoff_s, settle_failure
from shared.topology import Step, Topology

log = structlog.get_logger(__name__)

In = TypeVar("In", bound=Fact)
_BUGS_REMEMBERED = 10_000

Handler = Callable[[In], Awaitable[Fact | None]]

WaitedLong = Callable[[In, float, TryLater], Awaitable[Fact | None]]
"""What to write instead of waiting on: given the fact, how many seconds it has lain in the stream,
and why its handler wants to wait. None means: wait. Raises what a handler may raise."""


class Message(Protocol):
    """A message of a stream, as it lies there."""

    @property
    def subject(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def sequence(self) -> int:
        """Position in the stream."""
        ...

    @property
    def stored_at(self) -> datetime:
        """When the broker took it in; the same at every delivery."""
        ...


Read = Callable[[Message, tuple[str, ...]], In]
"""Makes a fact of a message, given what follows the fact's name in the subject. Raises BadInput."""


class Delivery(Message, Protocol):
    """One message in our hands, as the runtime needs to see it."""

    @property
    def deliveries(self) -> int:
        """How often the broker has handed it out, this time included."""
        ...

    async def ack(self) -> None:
        """Done, for good."""
        ...

    async def hand_back(self, after_s: float) -> None:
        """Somebody shall have it again after `after_s` seconds."""
        ...

    async def beat(self) -> None:
        """Still alive: restart the broker's ack timer."""
        ...


@dataclass(slots=True)
class Stage(Generic[In]):
    """Carries the facts of one step through one handler.

    `read` is for facts that other systems write; ours are read by their one form. `waited_long`
    may end a wait before the deadline does.
    """

    step: Step
    handler: Handler[In]
    facts: FactLog
    dead_letters: DeadLetters
    topology: Topology
    now: Callable[[], datetime] = utc_now
    read: Read[In] | None = None
    waited_long: WaitedLong[In] | None = None
    # By place in the stream: what others write may lie twice under one subject.
    _busy: set[int] = field(default_factory=set)
    _failures: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.step.bounded and not issubclass(self.step.consumes, PieceFact):
            raise TypeError(f"{self.step.durable} is bounded but takes no piece")

    async def settle(self, delivery: Delivery) -> None:
        """Bring one delivery to its end. Raises only what nobody could settle."""
        started = time.perf_counter()
        with _Heartbeat(delivery, every_s=self.step.ack_wait_s / 3):
            try:
                outcome = await self._attempt(delivery)
            except asyncio.CancelledError:
                # We are shutting down: somebody else shall begin at once.
                await asyncio.shield(delivery.hand_back(0))
                raise
            except TryLater as exc:
                # Not even the end could be written down: the broker has to keep the message.
                await delivery.hand_back(backoff_s(delivery.deliveries, jitter=0.5))
                outcome = f"handed_back: {exc.detail}"
        log.debug(
            "stage.settled",
            step=self.step.durable,
            subject=delivery.subject,
            outcome=outcome,
            deliveries=delivery.deliveries,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )

    async def _attempt(self, delivery: Delivery) -> str:
        try:
            event = self._read(delivery)
        except BadInput as bad:
            return await self._bury(delivery, bad.reason, bad.detail)
        if delivery.sequence in self._busy:
            # The broker lost patience with us, but we are still at it: one at a time.
            await delivery.hand_back(self.step.ack_wait_s)
            return "already_running"
        self._busy.add(delivery.sequence)
        try:
            return await self._carry(event, delivery)
        finally:
            self._busy.discard(delivery.sequence)

    def _read(self, delivery: Delivery) -> In:
        if self.read is not None:
            tokens = self.topology.tokens(self.step.consumes, delivery.subject)
            return self.read(delivery, tokens)
        event = wire.decode(self.step.consumes, delivery.body, delivery.headers)
        if self.topology.subject(event) != delivery.subject:
            raise BadInput("subject_mismatch", "the body belongs to another subject")
        return cast("In", event)

    async def _carry(self, event: In, delivery: Delivery) -> str:
        try:
            outcome = await self._work(event, delivery)
        except BadInput as bad:
            return await self._refuse(event, delivery, bad)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the message must be settled
            return await self._after_failure(event, delivery, exc)
        await delivery.ack()
        failpoints.reach(f"{self.step.durable}/after_ack")
        self._failures.pop(delivery.sequence, None)
        return outcome

    async def _work(self, event: In, delivery: Delivery) -> str:
        if delivery.deliveries > 1 and await self._is_finished(event):
            return "finished_before"
        deadline_at = self._deadline_at(event)
        if deadline_at is not None and self.now() >= deadline_at:
            raise TryLater("not begun in time")
        failpoints.reach(f"{self.step.durable}/before_effect")
        successor = await self._handle_or_end_the_wait(event, delivery)
        failpoints.reach(f"{self.step.durable}/after_effect")
        first = successor is None or await self.facts.write(successor)
        failpoints.reach(f"{self.step.durable}/after_puback")
        return "done" if first else "somebody_was_first"

    async def _handle_or_end_the_wait(self, event: In, delivery: Delivery) -> Fact | None:
        try:
            return await self._handle(event)
        except TryLater as wish:
            if self.waited_long is None:
                raise
            waited_s = (self.now() - delivery.stored_at).total_seconds()
            instead = await self.waited_long(event, waited_s, wish)
            if instead is None:
                raise
            return instead

    async def _handle(self, event: In) -> Fact | None:
        limit = asyncio.timeout(self.step.handle_limit_s)
        try:
            async with limit:
                return await self.handler(event)
        except TimeoutError as exc:
            if not limit.expired():
                raise
            raise TryLater(f"not done within {self.step.handle_limit_s:.0f} s") from exc
        except asyncio.CancelledError as exc:
            if _is_being_cancelled():
                raise
            # The handler waited for something that somebody else cancelled: a bug, not our end.
            raise RuntimeError("cancelled from within") from exc

    def _deadline_at(self, event: In) -> datetime | None:
        return event.deadline_at if self.step.bounded and isinstance(event, PieceFact) else None

    async def _is_finished(self, event: Fact) -> bool:
        tokens = event.subject_tokens[1:] if self.step.lane else event.subject_tokens
        for fact in self.step.produces:
            if await self.facts.holds(fact, tokens):
                return True
        return False

    async def _after_failure(self, event: In, delivery: Delivery, exc: Exception) -> str:
        if _is_bug(exc):
            self._note_bug(delivery, exc)
        settlement = settle_failure(
            exc,
            deliveries=delivery.deliveries,
            failures=self._failures[delivery.sequence],
            now=self.now(),
            deadline_at=self._deadline_at(event),
        )
        if isinstance(settlement, Retry):
            await delivery.hand_back(settlement.after_s)
            return f"retry: {exc}"[:200]
        self._failures.pop(delivery.sequence, None)
        if isinstance(settlement, Halt):
            return await self._halt(event, delivery, settlement.reason, settlement.detail)
        return await self._bury(delivery, settlement.reason, settlement.detail)

    def _note_bug(self, delivery: Delivery, exc: Exception) -> None:
        # Messages that went on to other replicas leave their counts behind: begin anew at times.
        if len(self._failures) >= _BUGS_REMEMBERED:
            self._failures.clear()
        self._failures[delivery.sequence] += 1
        log.error(
            "stage.bug",
            step=self.step.durable,
            subject=delivery.subject,
            failures=self._failures[delivery.sequence],
            exc_info=exc,
        )

    async def _refuse(self, event: In, delivery: Delivery, bad: BadInput) -> str:
        if self.step.bounded:
            await self._write_halted(event, delivery, bad.reason, bad.detail)
        return await self._bury(delivery, bad.reason, bad.detail)

    async def _halt(self, event: In, delivery: Delivery, reason: str, detail: str) -> str:
        await self._write_halted(event, delivery, reason, detail)
        await delivery.ack()
        log.warning("stage.halted", step=self.step.durable, subject=delivery.subject, reason=reason)
        return f"halted: {reason}"

    async def _write_halted(self, event: In, delivery: Delivery, reason: str, detail: str) -> None:
        halted = ContentHalted.following(
            cast("PieceFact", event), stage=self.step.durable, reason=reason, detail=detail[:500]
        )
        try:
            await self.facts.write(halted)
        except GiveUp as exc:
            # Its brief alone fills a message; the ledger's own deadline ends the piece.
            await self._keep(delivery, exc.reason, exc.detail)

    async def _bury(self, delivery: Delivery, reason: str, detail: str) -> str:
        await self._keep(delivery, reason, detail)
        await delivery.ack()
        return f"buried: {reason}"

    async def _keep(self, delivery: Delivery, reason: str, detail: str) -> None:
        await self.dead_letters.keep(
            step=self.step.durable,
            subject=delivery.subject,
            sequence=delivery.sequence,
            reason=reason,
            detail=detail,
            headers=dict(delivery.headers),
            body=delivery.body,
        )
        log.error(
            "stage.dead_letter",
            step=self.step.durable,
            subject=delivery.subject,
            reason=reason,
            detail=detail,
        )


def _is_bug(exc: Exception) -> bool:
    return not isinstance(exc, TryLater | GiveUp | BadInput)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Heartbeat:
    """Tells the broker again and again that a delivery is worked on, for as long as the block.

    A timer and no task: most messages are settled long before the first beat.
    """

    def __init__(self, delivery: Delivery, *, every_s: float) -> None:
        self._delivery = delivery
        self._every_s = every_s
        self._loop = asyncio.get_running_loop()
        self._beating: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._timer = self._loop.call_later(self._every_s, self._beat)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._beating is not None:
            self._beating.cancel()

    def _beat(self) -> None:
        if self._beating is None or self._beating.done():
            self._beating = self._loop.create_task(self._tell(), name="heartbeat")
        self._timer = self._loop.call_later(self._every_s, self._beat)

    async def _tell(self) -> None:
        try:
            await self._delivery.beat()
        except Exception as exc:  # noqa: BLE001 - a missed beat costs a redelivery, no more
            log.debug("stage.beat_failed", subject=self._delivery.subject, error=str(exc)[:200])
