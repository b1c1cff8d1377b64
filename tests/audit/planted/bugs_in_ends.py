"""Bugs by which pieces and tasks end wrongly or never."""

from tests.audit.planted.bug import DRAWN, Bug
from tests.audit.planted.copies import Patch
from tests.audit.planted.scenarios import (
    Scenario,
    no_room_for_captions,
    no_room_for_requests,
    one_order,
    two_ends,
)

STAGE = "shared/stage.py"
ENDINGS = "services/ledger/domain/endings.py"

ACK_FIRST = Bug(
    "acknowledged before the work",
    "I1",
    # A call that was under way as well still holds its lease, so that nobody can tell.
    ("stranded", "not_ended"),
    Scenario(one_order, failpoint="generator/after_settlement"),
    (
        Patch(
            STAGE,
            "            outcome = await self._work(event, delivery)",
            "            await delivery.ack()\n"
            "            outcome = await self._work(event, delivery)",
        ),
        Patch(
            STAGE,
            "        await delivery.ack()\n        failpoints.reach(",
            "        failpoints.reach(",
        ),
    ),
)
NO_PUBACK = Bug(
    "published without waiting for the broker's word",
    "I1",
    ("stranded",),
    Scenario(no_room_for_captions),
    (
        Patch(
            "shared/factlog.py",
            "            ack = await self._js.publish(\n"
            "                self._topology.subject(fact),\n"
            "                body,\n"
            "                timeout=_PUBACK_TIMEOUT_S,\n"
            "                stream=self._topology.stream(type(fact)),\n"
            "                headers=headers,\n"
            "            )\n",
            "            await self._js._nc.publish(\n"
            "                self._topology.subject(fact), body, headers=headers\n"
            "            )\n",
        ),
        Patch("shared/factlog.py", "return not ack.duplicate", "return True"),
    ),
)
RANDOM_RUN = Bug(
    "a handler makes up the run",
    "I1",
    ("unknown_run",),
    DRAWN,
    (
        Patch(
            "services/hooks/handler/hooks.py",
            "self._by_model(event, self.desk)\n"
            "        return ContentHooked.following(event, captions=written)",
            "self._by_model(event, self.desk)\n        return ContentHooked.following(\n"
            "            event, captions=written, run=__import__('random').randint(2, 10**6)\n"
            "        )",
        ),
    ),
)
NO_COMPARE_AND_SET = Bug(
    "the ledger ends what has ended",
    "I1",
    ("ended_twice",),
    Scenario(two_ends),
    (
        Patch(
            ENDINGS,
            "    if piece.is_settled or run < piece.current_run:\n        return Fate.WITHDRAW\n",
            "",
        ),
        Patch(
            ENDINGS,
            "return piece is not None and not piece.is_settled and run >= piece.current_run",
            "return piece is not None",
        ),
        # The database keeps such a piece from failing; this bug has found a way around.
        Patch(
            "services/ledger/adapters/failing.py",
            "            detail=detail,\n            ended_at",
            "            detail=detail,\n            content_id=None,\n            ended_at",
        ),
    ),
)
COMPLETES_EARLY = Bug(
    "a task completes with its first piece",
    "I1",
    ("completed_early", "completion_differs"),
    DRAWN,
    (
        Patch(
            "services/ledger/adapters/completion.py",
            "    WHERE NOT EXISTS (\n"
            "        SELECT FROM pieces WHERE pieces.task_id = asked.task_id\n"
            "        AND state IN ('requested', 'generated', 'hooked', 'moderated')\n"
            "    )\n",
            "",
        ),
    ),
)
NO_OUTBOX = Bug(
    "accepted without a word in the outbox",
    "I1",
    ("never_requested",),
    DRAWN,
    (
        Patch(
            "services/ledger/adapters/entering.py",
            '        "facts": in_outbox(requested),\n',
            '        "facts": [],\n',
        ),
    ),
)
RELAY_FORGETS = Bug(
    "the relay forgets what the broker refused",
    "I1",
    ("never_requested",),
    Scenario(no_room_for_requests),
    (
        Patch(
            "services/ledger/adapters/outbox.py",
            "for (row, _), done in zip(taken, results, strict=True) if done]",
            "for row, _ in taken]",
        ),
    ),
)
