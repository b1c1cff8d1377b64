"""The five steps of a piece. Each writes what it did down, then asks for the next."""

from typing import Any
from uuid import uuid4

from benchmarks.peers.celery_atelier import book, delivering, judging, work
from benchmarks.peers.celery_atelier.app import RETRIED, app

Piece = dict[str, Any]
"""What is known of a piece so far, as JSON: ids, brief, and what the steps before have added."""


@app.task(name="atelier.generate", **RETRIED)  # type: ignore[untyped-decorator]
def generate(piece: Piece) -> None:
    """Have the image made. The call is on record before it is made, and settled after it."""
    attempt_id = str(uuid4())
    if not book.open_attempt(piece, attempt_id):
        return
    made = work.call_worker(piece["brief"])
    piece |= {"image": work.keep_privately(piece["piece_id"], made)}
    piece |= {"generation": {**work.GENERATION, "attempt_id": attempt_id}}
    book.settle_attempt(piece, attempt_id)
    caption.delay(piece)


@app.task(name="atelier.caption", **RETRIED)  # type: ignore[untyped-decorator]
def caption(piece: Piece) -> None:
    """Write captions."""
    piece |= {"hooks": work.captions(piece["brief"], piece["piece_id"])}
    book.note(piece, "hooked", 2, "content.hooked", {"count": len(piece["hooks"])})
    moderate.delay(piece)


@app.task(name="atelier.moderate", **RETRIED)  # type: ignore[untyped-decorator]
def moderate(piece: Piece) -> None:
    """Screen the words, look at the bytes that will be delivered, and sign what was found."""
    image = work.private_bytes(piece["image"])
    blocked = work.is_blocked(piece["brief"], piece["hooks"])
    verdict = None if blocked else judging.verdict(piece, image)
    if verdict is None:
        book.reject(piece)
        return
    piece |= {"verdict": verdict.model_dump(mode="json")}
    book.note(piece, "moderated", 3, "content.moderated", piece["verdict"])
    store.delay(piece)


@app.task(name="atelier.store", **RETRIED)  # type: ignore[untyped-decorator]
def store(piece: Piece) -> None:
    """Derive the delivered files from the judged bytes, and sign them."""
    image = work.private_bytes(piece["image"])
    piece |= {"delivery": delivering.deliver(piece, image)}
    persist.delay(piece)


@app.task(name="atelier.persist", **RETRIED)  # type: ignore[untyped-decorator]
def persist(piece: Piece) -> None:
    """Record the delivery, end the piece and, after the last one, its task."""
    book.persist(piece, judging.vouched(piece))
    work.forget_private(piece["image"])
