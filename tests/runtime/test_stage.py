"""The stage runtime by itself: what it does with a delivery, in every case."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.events import AttemptSettled, ContentHalted, ContentHooked, Fact, ImageGenerated
from shared.outcomes import BadInput, GiveUp, TryLater
from shared.settlement import BUG_RETRIES
from shared.stage import Handler, Stage
from shared.topology import RECORD_ATTEMPT, WRITE_HOOKS, Step, Topology
from tests.builders import attempt_settled, captions, content_halted, image_generated
from tests.runtime.fakes import HandedOut, MemoryDeadLetters, MemoryFactLog
from tests.runtime.handlers import Failing, Recorder


class Desk:
    """A stage on fakes."""

    def __init__(self, handler: Handler[ImageGenerated], step: Step = WRITE_HOOKS) -> None:
        self.facts = MemoryFactLog()
        self.letters = MemoryDeadLetters()
        self.now = datetime.now(UTC)
        self.stage = Stage(step, handler, self.facts, self.letters, Topology(), lambda: self.now)

    async def settle(self, event: Fact, *, deliveries: int = 1) -> HandedOut:
        delivery = HandedOut.of(event, deliveries=deliveries)
        await self.stage.settle(delivery)
        return delivery


async def test_the_output_is_written_before_the_input_is_acknowledged() -> None:
    desk = Desk(Recorder())
    delivery = HandedOut.of(image_generated())
    delivery.ack_error = ConnectionError("lost")
    with pytest.raises(ConnectionError):
        await desk.stage.settle(delivery)
    assert len(desk.facts.of(ContentHooked)) == 1
    assert delivery.is_open


async def test_a_lost_acknowledgement_is_made_good_by_the_receipt() -> None:
    handler = Recorder()
    desk = Desk(handler)
    event = image_generated()
    first = HandedOut.of(event)
    first.ack_error = ConnectionError("lost")
    with pytest.raises(ConnectionError):
        await desk.stage.settle(first)
    again = await desk.settle(event, deliveries=2)
    assert (again.acks, len(handler.seen)) == (1, 1)


async def test_a_first_delivery_looks_nothing_up() -> None:
    desk = Desk(Recorder())
    await desk.settle(image_generated())
    assert desk.facts.lookups == 0


async def test_a_redelivery_of_a_halted_piece_is_finished_too() -> None:
    handler = Recorder()
    desk = Desk(handler)
    event = image_generated()
    await desk.facts.write(ContentHalted.following(event, stage="x", reason="deadline"))
    assert (await desk.settle(event, deliveries=2)).acks == 1
    assert handler.seen == []


async def test_the_loser_of_a_race_drops_its_output_and_acknowledges() -> None:
    desk = Desk(Recorder())
    event = image_generated()
    winner = ContentHooked.following(event, captions=captions("the winner's"))
    await desk.facts.write(winner)
    assert (await desk.settle(event)).acks == 1
    assert desk.facts.of(ContentHooked) == [winner]


async def test_an_output_that_cannot_be_written_keeps_the_input() -> None:
    desk = Desk(Recorder())
    desk.facts.away = True
    delivery = await desk.settle(image_generated())
    assert delivery.acks == 0
    assert delivery.handed_back


async def test_not_even_an_end_that_cannot_be_written_settles_the_input() -> None:
    desk = Desk(Failing(error=lambda: GiveUp("invalid_prompt")))
    desk.facts.away = True
    delivery = await desk.settle(image_generated())
    assert delivery.acks == 0
    assert delivery.handed_back[0] > 0.1


async def test_a_bug_is_tried_a_few_times_and_then_halts_the_piece() -> None:
    desk = Desk(Failing())
    event = image_generated()
    for attempt in range(1, BUG_RETRIES):
        assert (await desk.settle(event, deliveries=attempt)).handed_back
    assert (await desk.settle(event, deliveries=BUG_RETRIES)).acks == 1
    [halted] = desk.facts.of(ContentHalted)
    assert isinstance(halted, ContentHalted)
    assert (halted.reason, halted.stage) == ("internal_error", WRITE_HOOKS.durable)


async def test_patience_spent_on_waiting_is_not_taken_from_a_bug() -> None:
    desk = Desk(Failing())
    delivery = await desk.settle(image_generated(), deliveries=50)
    assert delivery.handed_back
    assert desk.facts.of(ContentHalted) == []


async def test_a_bug_tells_its_kind_but_not_its_words() -> None:
    desk = Desk(Failing(error=lambda: ValueError("password=hunter2")))
    event = image_generated(deadline_at=desk.now - timedelta(seconds=1))
    await desk.settle(event)
    [halted] = desk.facts.of(ContentHalted)
    assert "hunter2" not in halted.model_dump_json()


@pytest.mark.parametrize("error", [TimeoutError, OSError, RuntimeError])
async def test_a_timeout_of_the_handlers_own_is_a_bug(error: type[Exception]) -> None:
    desk = Desk(Failing(error=error))
    event = image_generated()
    for _ in range(BUG_RETRIES):
        await desk.settle(event)
    [halted] = desk.facts.of(ContentHalted)
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "internal_error"


async def test_a_handler_that_takes_too_long_is_asked_again() -> None:
    async def slow(_event: ImageGenerated) -> None:
        await asyncio.Event().wait()

    desk = Desk(slow, replace(WRITE_HOOKS, handle_limit_s=0.05))
    delivery = await desk.settle(image_generated())
    assert delivery.handed_back
    assert desk.facts.written == {}


async def test_a_step_that_records_never_gives_up() -> None:
    desk = Desk(Failing(error=lambda: TryLater("database")), RECORD_ATTEMPT)
    event = attempt_settled()
    desk.now += timedelta(days=7)
    delivery = await desk.settle(event, deliveries=10_000)
    assert delivery.handed_back
    assert (desk.facts.written, desk.letters.kept) == ({}, [])


@pytest.mark.parametrize(
    "error", [lambda: GiveUp("no_such_piece"), lambda: BadInput("no_such_piece")]
)
async def test_a_step_that_records_keeps_what_it_cannot_record(
    error: Callable[[], Exception],
) -> None:
    desk = Desk(Failing(error=error), RECORD_ATTEMPT)
    delivery = await desk.settle(attempt_settled())
    assert delivery.acks == 1
    assert [reason for reason, _, _ in desk.letters.kept] == ["no_such_piece"]
    assert desk.facts.written == {}


async def test_a_handler_that_has_nothing_to_say_is_done() -> None:
    async def record(_event: AttemptSettled) -> None:
        return None

    facts, letters = MemoryFactLog(), MemoryDeadLetters()
    stage = Stage(RECORD_ATTEMPT, record, facts, letters, Topology())
    delivery = HandedOut.of(attempt_settled())
    await stage.settle(delivery)
    assert delivery.acks == 1


async def test_a_halt_that_fits_no_message_becomes_a_dead_letter() -> None:
    desk = Desk(Failing(error=lambda: GiveUp("invalid_prompt")))
    desk.facts.refusal = GiveUp("fact_too_large")
    delivery = await desk.settle(image_generated())
    assert delivery.acks == 1
    assert [reason for reason, _, _ in desk.letters.kept] == ["fact_too_large"]


def test_a_step_without_pieces_cannot_end_one() -> None:
    with pytest.raises(TypeError, match="takes no piece"):
        Desk(Recorder(), replace(RECORD_ATTEMPT, bounded=True))


async def test_a_halted_fact_of_another_run_is_no_receipt() -> None:
    handler = Recorder()
    desk = Desk(handler)
    event = image_generated(run=2)
    await desk.facts.write(content_halted(**(event.model_dump() | {"run": 1})))
    await desk.settle(event, deliveries=2)
    assert len(handler.seen) == 1
