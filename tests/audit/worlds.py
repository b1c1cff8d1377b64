"""A world written by hand in which all is well.

One task of four pieces: `sold` is delivered to the public, `refused` was rejected, `broken` failed,
`waiting` waits for review after a call of unknown outcome was made again.
"""

from dataclasses import replace
from typing import Any

from tests.audit.credentials import Credentials
from tests.audit.evidence import Evidence, Order, Probe, ProviderEvent, Run
from tests.audit.looks import SIDE, Look
from tests.audit.objects import ObjectFile
from tests.audit.pictures import Picture
from tests.audit.rows import (
    AttemptRow,
    Books,
    ContentRow,
    HistoryRow,
    OrderKeyRow,
    PieceRow,
    TaskRow,
)
from tests.audit.shown import ShownTask
from tests.audit.streams import FactMessage, Queue, StagedImage, Streams
from tests.audit.world import World

TASK = "task"
SOLD, REFUSED, BROKEN, WAITING = PIECES = ("sold", "refused", "broken", "waiting")
PRICE = 10_000
DEADLINE = 900.0
JPEG = b"\xff\xd8\xff\xe0"
NOW = 100.0


def sha(name: str) -> str:
    """A hash that shows whose it is."""
    return f"sha-of-{name}"


def copy_sha(piece_id: str) -> str:
    """The hash of what is delivered of a piece."""
    return sha(f"copy-of-{piece_id}")


def look(piece_id: str) -> Look:
    """What the images of a piece show: bars, in another width for each."""
    bar = 2 ** PIECES.index(piece_id) * 2
    return Look(bytes(0xF0 if at % SIDE // bar % 2 else 0x20 for at in range(SIDE * SIDE)))


def key(piece_id: str, ending: str = ".png") -> str:
    """The key of a piece's object."""
    return f"content/avatar/{piece_id}_token{ending}"


def brief(piece_id: str) -> dict[str, Any]:
    """What was ordered for a piece."""
    return {
        "prompt": f"a {piece_id} piece",
        "negative_prompt": "",
        "seed": PIECES.index(piece_id),
        "width": 512,
        "height": 512,
        "steps": 20,
        "cfg_scale": 5.5,
        "upload_to_storage": True,
    }


def request(piece_id: str) -> dict[str, Any]:
    """What the provider is asked for a piece."""
    wanted = brief(piece_id)
    return {**wanted, "cfg": wanted["cfg_scale"], "lora_scale": 0.9}


def verdict(piece_id: str, decision: str) -> dict[str, Any]:
    """A verdict about a piece's image."""
    return {"decision": decision, "tier": "capa1", "image_sha256": sha(piece_id)}


def delivery(piece_id: str, *, held: bool) -> dict[str, Any]:
    """What storage tells of a piece."""
    return {
        "held": held,
        "public": not held,
        "object_key": key(piece_id) if held else key(piece_id, ".jpg"),
        "thumbnail_key": key(piece_id, "_thumb.jpg"),
        "image_sha256": sha(piece_id) if held else copy_sha(piece_id),
        "source_sha256": sha(piece_id),
    }


def fact(name: str, piece_id: str, at: float, *, run: int = 1, **body: Any) -> FactMessage:
    """A message about a run of a piece."""
    lane = ("bulk",) if name == "content.requested" else ()
    tokens = (*lane, "default", TASK, piece_id, str(run))
    return FactMessage(name, tokens, 1, at, {"brief": brief(piece_id), **body})


def settled(piece_id: str, attempt_id: str, outcome: str, cost: int) -> FactMessage:
    """A message about a provider call that has ended."""
    image = {"sha256": sha(piece_id)} if outcome == "succeeded" else None
    body = {"outcome": outcome, "cost_usd_micros": cost, "image": image}
    return FactMessage("attempt.settled", ("default", TASK, piece_id, attempt_id), 1, 12.0, body)


def facts() -> tuple[FactMessage, ...]:
    """Every fact of the task."""
    told = [fact("content.requested", piece_id, 10) for piece_id in PIECES]
    for piece_id in (SOLD, REFUSED, WAITING):
        image = {"sha256": sha(piece_id)}
        told.append(fact("image.generated", piece_id, 20, image=image))
        told.append(fact("content.hooked", piece_id, 21, image=image))
    for piece_id, decision in ((SOLD, "approved"), (WAITING, "review")):
        known: dict[str, Any] = {"image": {"sha256": sha(piece_id)}}
        known["verdict"] = verdict(piece_id, decision)
        told.append(fact("content.moderated", piece_id, 22, **known))
        given = delivery(piece_id, held=piece_id == WAITING)
        told.append(fact("content.stored", piece_id, 24, **known, delivery=given))
    end: dict[str, Any] = {"image_sha256": copy_sha(SOLD), "object_key": key(SOLD, ".jpg")}
    told += [
        fact("content.persisted", SOLD, 25, **end),
        fact("content.halted", REFUSED, 22, reason="moderation_rejected"),
        fact("content.rejected", REFUSED, 23, reason="moderation_rejected"),
        fact("content.halted", BROKEN, 12, reason="invalid_prompt"),
        fact("content.failed", BROKEN, 13, reason="invalid_prompt"),
        settled(SOLD, "a-sold", "succeeded", PRICE),
        settled(REFUSED, "a-refused", "succeeded", PRICE),
        settled(BROKEN, "a-broken", "failed", 0),
        settled(WAITING, "a-waiting", "succeeded", PRICE),
    ]
    counts = {"persisted": 1, "rejected": 1, "failed": 1, "pending_review": 1}
    completed = {"state": "completed", "total": 4, **counts}
    return (*told, FactMessage("task.completed", ("default", TASK), 1, 26.0, completed))


def piece(piece_id: str, state: str, reason: str | None = None, **more: Any) -> PieceRow:
    """A row of a piece."""
    row = PieceRow(
        piece_id=piece_id,
        task_id=TASK,
        index=PIECES.index(piece_id),
        state=state,
        run=1,
        reason=reason,
        brief=brief(piece_id),
        verdict_decision=None,
        verdict_sha256=None,
        image_sha256=None,
        held=(),
        content_id=None,
        deadline_at=DEADLINE,
        ended_at=None if state == "pending_review" else 25.0,
    )
    return replace(row, **more)


def attempt(attempt_id: str, piece_id: str, outcome: str, **more: Any) -> AttemptRow:
    """A row of a provider call."""
    row = AttemptRow(
        attempt_id=attempt_id,
        number=1,
        task_id=TASK,
        piece_id=piece_id,
        run=1,
        provider="modal_sdxl_lora",
        holder="generator",
        outcome=outcome,
        cost_usd_micros=PRICE if outcome == "succeeded" else 0,
        lease_until=18.0,
        opened_at=11.0,
        settled_at=None if outcome == "unknown" else 12.0,
        image_sha256=sha(piece_id) if outcome == "succeeded" else None,
        bytes_lost_at=None,
    )
    return replace(row, **more)


def books() -> Books:
    """Every row of the task."""
    judged = {"verdict_sha256": sha(SOLD), "image_sha256": sha(SOLD)}
    looked_at: dict[str, Any] = {"verdict_sha256": sha(WAITING), "image_sha256": sha(WAITING)}
    held = (key(WAITING), key(WAITING, "_thumb.jpg"))
    looked_at |= {"held_run": 1, "held_verdict": verdict(WAITING, "review")}
    again = {"number": 2, "opened_at": 19.0, "settled_at": 20.0}
    endings = {SOLD: "persisted", REFUSED: "rejected", BROKEN: "failed", WAITING: "held"}
    return Books(
        tasks=(TaskRow(TASK, "completed", 4, 9.0, 26.0, None, avatar_exists=True),),
        pieces=(
            piece(SOLD, "persisted", content_id=SOLD, verdict_decision="approved", **judged),
            piece(REFUSED, "rejected", "moderation_rejected", verdict_decision="rejected"),
            piece(BROKEN, "failed", "invalid_prompt"),
            piece(WAITING, "pending_review", held=held, verdict_decision="review", **looked_at),
        ),
        contents=(
            ContentRow(
                *(SOLD, TASK, key(SOLD, ".jpg"), key(SOLD, "_thumb.jpg"), True, "capa1"),
                *(copy_sha(SOLD), sha(SOLD), "approved", sha(SOLD), "a-sold"),
            ),
        ),
        attempts=(
            attempt("a-sold", SOLD, "succeeded"),
            attempt("a-refused", REFUSED, "succeeded"),
            attempt("a-broken", BROKEN, "failed"),
            attempt("a-lost", WAITING, "unknown"),
            attempt("a-waiting", WAITING, "succeeded", **again),
        ),
        order_keys=(OrderKeyRow("key:mine", TASK),),
        history=tuple(HistoryRow(name, 1, f"content.{end}") for name, end in endings.items()),
    )


def file(area: str, key: str, sha256: str, *, begins: bytes = b"\x89PNG\r\n\x1a\n") -> ObjectFile:
    """A file of the object directory."""
    return ObjectFile(area, key, sha256, 100, 23.0, begins)


def signed(piece_id: str, source: str | None = None) -> Picture:
    """What a copy shows and tells; `source` is the piece whose image it derives from."""
    source_sha256 = sha(piece_id) if source is None else copy_sha(source)
    told = Credentials(piece_id, source_sha256, intact=True)
    return Picture(look(source or piece_id), told)


def delivered(area: str, piece_id: str, key_: str | None = None) -> ObjectFile:
    """What is delivered of a piece."""
    copy = file(area, key_ or key(piece_id, ".jpg"), copy_sha(piece_id), begins=JPEG)
    return replace(copy, picture=signed(piece_id))


def held(piece_id: str) -> ObjectFile:
    """The image of a piece that waits for review: the judged bytes."""
    kept = file("review", key(piece_id), sha(piece_id))
    return replace(kept, picture=Picture(look(piece_id), None))


def thumbnail(area: str, piece_id: str) -> ObjectFile:
    """The thumbnail of a piece."""
    small = key(piece_id, "_thumb.jpg")
    made = file(area, small, sha(f"thumbnail-{piece_id}"), begins=JPEG)
    return replace(made, picture=signed(piece_id))


def call(number: int, piece_id: str, event: str = "given") -> ProviderEvent:
    """A line of the provider's log."""
    billed = event != "refused"
    image = sha(piece_id) if billed else None
    return ProviderEvent(11.5, str(number), event, request(piece_id), image, billed)


def sound_world() -> World:
    """The world in which all is well."""
    return World(
        evidence=Evidence(
            run=Run(began=5.0, ended=30.0, deadline_s=60.0, data_dir="/nowhere"),
            orders=(
                Order(9.0, "mine", "body", None, None, 4),
                Order(9.1, "mine", "body", 202, TASK, 4),
                Order(9.2, "mine", "body", 202, TASK, 4),
            ),
            provider=(
                call(1, SOLD),
                call(2, REFUSED),
                call(3, BROKEN, "refused"),
                call(4, WAITING, "cut"),
                call(5, WAITING),
            ),
            probes=(
                Probe(26.0, f"/objects/{key(SOLD, '.jpg')}", 200, copy_sha(SOLD)),
                Probe(26.0, f"/objects/{key(SOLD, '_thumb.jpg')}", 200, sha("thumbnail-sold")),
                Probe(26.0, f"/objects/{key(WAITING)}", 404, None),
            ),
        ),
        books=books(),
        streams=Streams(
            facts=facts(),
            staged=(StagedImage(f"{WAITING}/1/{sha(WAITING)}", 1),),
            queues=(Queue("CONTENT_STORED", "piece-persisted", 0, 0),),
        ),
        objects=(
            delivered("public", SOLD),
            thumbnail("public", SOLD),
            held(WAITING),
            thumbnail("review", WAITING),
        ),
        shown=(
            ShownTask(
                *(TASK, "completed", 4),
                {"persisted": 1, "rejected": 1, "failed": 1, "pending_review": 1},
                3 * PRICE,
            ),
        ),
        now=NOW,
        given={sha(piece_id): look(piece_id) for piece_id in (SOLD, REFUSED, WAITING)},
    )
