"""No delivery is recorded or held by a verdict that nobody vouches for."""

import time
from collections.abc import Callable

import pytest

from services.ledger.handler.notes import NoteModerated
from shared.content import (
    BlockCategory,
    Decision,
    JudgeReport,
    Rating,
    Tier,
    Verdict,
)
from shared.events import ContentFailed, ContentModerated, ContentStored, DeliveryWithdrawn
from tests.builders import content_moderated, content_requested, verdict
from tests.ledger.books import Books, stored, whose
from tests.ledger.reviewing import WAITING, decision, delivered, held
from tests.ledger.test_progress import Noters
from tests.verdict_keys import KEYS, STRANGER, signed

REPORT = JudgeReport(
    judge="omni",
    model="omni-1",
    image_scores={"sexual": 0.5, "violence": 1e-05, "hate": 0.25, "self-harm": 1.0},
    text_scores={"sexual": 0.125},
)
FULL = verdict(
    judges=(REPORT,),
    unscored=("minors",),
    image_print="0123456789abcdef",
    reviewers=("key-1", "key-2"),
)


def unsigned(event: ContentStored) -> ContentStored:
    return with_verdict(event, event.verdict.model_copy(update={"signature": None}))


def by_a_stranger(event: ContentStored) -> ContentStored:
    return signed(event, STRANGER)


def lowered_afterwards(event: ContentStored) -> ContentStored:
    return with_verdict(event, event.verdict.model_copy(update={"explicitness_level": 2}))


def reviewed_afterwards(event: ContentStored) -> ContentStored:
    return with_verdict(event, event.verdict.model_copy(update={"reviewers": ("me",)}))


def of_an_earlier_run(event: ContentStored) -> ContentStored:
    return event.model_copy(update={"run": event.run + 1})


def with_verdict(event: ContentStored, other: Verdict) -> ContentStored:
    return event.model_copy(update={"verdict": other})


FORGERIES = (unsigned, by_a_stranger, lowered_afterwards, reviewed_afterwards, of_an_earlier_run)


@pytest.mark.parametrize("forge", FORGERIES)
@pytest.mark.parametrize("is_held", [False, True], ids=["delivered", "held"])
async def test_a_verdict_without_a_word_from_safety_fails_the_piece(
    books: Books, forge: Callable[[ContentStored], ContentStored], *, is_held: bool
) -> None:
    (piece,) = await books.accepted()
    found = verdict(**WAITING) if is_held else verdict(tier=Tier.CAPA2)
    event = forge(stored(piece, verdict=found, delivery={"held": is_held, "public": False}))
    await books.endings.deliver(event)
    (failed,) = await books.waiting(ContentFailed)
    assert failed.reason == "verdict_unsigned"
    (gone,) = await books.waiting(DeliveryWithdrawn)
    assert gone.object_keys[0] == event.delivery.object_key
    assert await books.sql("SELECT 1 FROM content_pieces") == []
    assert (await books.piece(piece.piece_id)).piece.state == "failed"


async def test_an_approval_is_believed_only_with_a_signature_of_its_own(books: Books) -> None:
    event = await held(books)
    await books.reviews.decide(decision(event))
    approved = (await books.waiting())[-1]
    forged = delivered(approved)
    stolen = forged.verdict.model_copy(update={"signature": event.verdict.signature})
    await books.endings.deliver(with_verdict(forged, stolen))
    assert (await books.piece(event.piece_id)).piece.reason == "verdict_unsigned"


async def test_one_forgery_does_not_harm_the_others_of_its_transaction(books: Books) -> None:
    good, bad, fine = await books.accepted(3)
    await books.deliveries.deliver([stored(good), unsigned(stored(bad)), stored(fine)])
    states = [(await books.piece(each.piece_id)).piece.state for each in (good, bad, fine)]
    assert states == ["persisted", "failed", "persisted"]


async def test_the_whole_verdict_is_kept_as_it_was_signed(books: Books) -> None:
    (piece,) = await books.accepted()
    event = stored(piece, verdict=FULL)
    await books.endings.deliver(event)
    ((kept,),) = await books.sql("SELECT verdict FROM pieces")
    on_record = Verdict.model_validate(kept)
    assert on_record == event.verdict
    assert KEYS.vouch_for(event, on_record)


async def test_the_history_says_briefly_what_judges_found(books: Books) -> None:
    (piece,) = await books.accepted()
    blocked = FULL.model_copy(
        update={
            "decision": Decision.REVIEW,
            "rating": Rating.PENDING_REVIEW,
            "blocked": BlockCategory.REAL_PERSON,
        }
    )
    event: ContentModerated = content_moderated(**whose(piece), verdict=blocked)
    await NoteModerated(Noters(books).together)(event)
    entry = (await books.piece(piece.piece_id)).timeline[-1]
    assert entry.detail["judges"] == [
        {
            "judge": "omni",
            "model": "omni-1",
            "image_scores": {"self-harm": 1.0, "sexual": 0.5, "hate": 0.25},
            "text_scores": {"sexual": 0.125},
        }
    ]
    assert (entry.detail["unscored"], entry.detail["blocked"]) == (["minors"], "real_person")
    assert entry.detail["reviewers"] == ["key-1", "key-2"]


def test_making_sure_of_a_verdict_takes_no_time_worth_saving() -> None:
    event = stored(content_requested(), verdict=FULL)
    began = time.process_time()
    for _ in range(200):
        assert KEYS.vouch_for(event, event.verdict)
    # Measured: 0.1 ms of a processor, however busy that is with something else.
    assert (time.process_time() - began) / 200 < 0.005
