"""Orders are entered with all that belongs to them: the task, its pieces, their first facts."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from services.ledger.adapters.database import Database, in_outbox
from services.ledger.adapters.history import happened, remembering
from services.ledger.adapters.order_keys import KEY, key_row
from services.ledger.adapters.rowsets import inserting
from services.ledger.adapters.schema import avatars, order_keys, outbox, pieces, tasks
from services.ledger.ports import Happening
from shared.calls import AcceptTask
from shared.events import ContentRequested

TASK = (
    "id",
    "tenant",
    "avatar_id",
    "kind",
    "lane",
    "platform",
    "config",
    "total",
    "accepted_at",
    "deadline_at",
    "body_sha256",
)
PIECE = ("id", "tenant", "task_id", "avatar_id", "index", "brief", "deadline_at")


def _holding_avatar() -> Select[Any]:
    # Its weights may be those of another that is frozen: the same face under another name.
    other = avatars.alias("other")
    is_frozen = exists().where(
        other.c.tenant == avatars.c.tenant,
        other.c.lora_weights_url == avatars.c.lora_weights_url,
        other.c.frozen_at.is_not(None),
    )
    # The lock keeps a deletion or a freeze away until the pieces are there to be ended.
    return (
        select(
            avatars.c.lora_weights_url,
            or_(avatars.c.frozen_at.is_not(None), is_frozen).label("is_frozen"),
        )
        .where(avatars.c.id == bindparam("avatar"), avatars.c.tenant == bindparam("of_tenant"))
        .with_for_update(of=avatars, read=True, key_share=True)
    )


HOLD_AVATAR = _holding_avatar()


def _entering() -> ReturningInsert[Any]:
    """One statement for an order whose key and id nobody has, with an avatar that may be used.

    Each row is written for one reason or not at all: the avatar is held, the key is claimed, the
    task is new, in this order. Whoever is second with a key waits there for the first. Who is
    second with a task id alone violates its uniqueness, and nothing of the statement is kept.
    """
    avatar = HOLD_AVATAR.cte("avatar")
    usable = exists().where(~avatar.c.is_frozen, avatar.c.lora_weights_url != "")
    new = ~exists().where(tasks.c.id == bindparam("task"))
    claimed = (
        inserting("keys", order_keys, KEY, usable, new)
        .on_conflict_do_nothing()
        .returning(order_keys.c.key)
        .cte("claimed")
    )
    asked = func.jsonb_array_length(cast(bindparam("keys"), JSONB))
    has_key = select(func.count()).select_from(claimed).scalar_subquery() == asked
    entered = (
        inserting("new_tasks", tasks, TASK, usable, new, has_key)
        .returning(tasks.c.id)
        .cte("entered")
    )
    is_new = exists().select_from(entered)
    written = inserting("new_pieces", pieces, PIECE, is_new)
    left = inserting("facts", outbox, ("fact", "body"), is_new).returning(outbox.c.id)
    return left.add_cte(written.cte("written"), remembering(is_new).cte("remembered"))


_ENTER = _entering()


async def entered_at_once(
    database: Database, request: AcceptTask, requested: Sequence[ContentRequested]
) -> bool:
    """Enter an order if nothing is in its way; all of it is written, or nothing."""
    parameters = {
        "avatar": request.avatar_id,
        "of_tenant": request.tenant,
        "task": request.task_id,
        "keys": [key_row(request, request.order_key)] if request.order_key else [],
        "new_tasks": [task_row(request)],
        "new_pieces": piece_rows(requested),
        "happenings": happened(remembered_request(fact) for fact in requested),
        "facts": in_outbox(requested),
    }
    try:
        left = await database.ask(_ENTER, parameters)
    except IntegrityError:
        return False
    database.publish_soon([row.id for row in left], requested)
    return bool(left)


def task_row(request: AcceptTask) -> dict[str, object]:
    """The row of a task."""
    told = request.model_dump(mode="json", include=set(TASK))
    return told | {
        "id": request.task_id,
        "total": len(request.briefs),
        "body_sha256": request.order_key and request.order_key.body_sha256,
    }


def piece_rows(requested: Iterable[ContentRequested]) -> list[dict[str, object]]:
    """The rows of a task's pieces, in their order."""
    return [
        {
            "id": fact.piece_id,
            "tenant": fact.tenant,
            "task_id": fact.task_id,
            "avatar_id": fact.brief.avatar_id,
            "index": index,
            "brief": fact.brief.model_dump(mode="json"),
            "deadline_at": fact.deadline_at.isoformat(),
        }
        for index, fact in enumerate(requested)
    ]


def remembered_request(fact: ContentRequested) -> Happening:
    """That a piece was asked for, for its history."""
    return Happening(
        tenant=fact.tenant,
        task_id=fact.task_id,
        piece_id=fact.piece_id,
        avatar_id=fact.brief.avatar_id,
        run=fact.run,
        fact=fact.NAME,
        detail={"tier": fact.brief.tier.value, "template_id": fact.brief.template_id},
    )
