"""Bugs that cost money twice, show what nobody judged, leave things behind or mix things up."""

from tests.audit.planted.bug import DRAWN, PAID, Bug
from tests.audit.planted.copies import Patch
from tests.audit.planted.scenarios import Scenario, one_order

DELIVER = "services/storage/handler/deliver.py"
PLACING = "services/storage/handler/placing.py"
OBJECTS = "services/storage/adapters/local_directory.py"
SETTLEMENTS = "services/ledger/adapters/settlements.py"

BUYS_AGAIN = Bug(
    "nobody looks for an earlier success",
    "I2",
    ("bought_again",),
    Scenario(one_order, paid=True, failpoint="generator/after_settlement"),
    (
        Patch(
            "services/ledger/domain/attempts.py",
            "    if bought:\n        return Done(",
            "    if bought and ask.run < 1:\n        return Done(",
        ),
    ),
)
SETTLES_TWICE = Bug(
    "a settlement that is heard twice costs twice",
    "I2",
    ("settlement_differs",),
    Scenario(one_order, paid=True, failpoint="attempt-recorded/after_effect"),
    (
        Patch(
            SETTLEMENTS,
            "if settled_by_id.get(event.attempt_id) is False",
            "if event.attempt_id in settled_by_id",
        ),
        Patch(SETTLEMENTS, "        events = await self._unsettled(events)\n", ""),
        Patch(
            SETTLEMENTS,
            'values |= {"cost_usd_micros": _cost(), ',
            'values |= {"cost_usd_micros": attempts.c.cost_usd_micros + _cost(), ',
        ),
    ),
)
SUCCESS_AS_FAILURE = Bug(
    "a success is booked as a failure",
    "I2",
    ("success_unrecorded",),
    PAID,
    (
        Patch(
            "services/generator/handler/buying.py",
            '            outcome="succeeded",\n            duration_ms=duration_ms,\n'
            "            cost_usd_micros=made.cost_usd_micros,\n",
            '            outcome="failed",\n            duration_ms=duration_ms,\n'
            "            cost_usd_micros=0,\n",
        ),
    ),
)
VERDICT_IGNORED = Bug(
    "storage delivers what waits for review",
    "I3",
    ("delivered_unallowed",),
    PAID,
    (
        Patch(
            DELIVER,
            "        if event.verdict.decision is Decision.REVIEW:\n"
            "            return Area.REVIEW\n",
            "",
        ),
    ),
)
EVERYTHING_PUBLIC = Bug(
    "every file lies where anybody can read it",
    "I3",
    ("unmoderated_file",),
    DRAWN,
    (
        Patch(
            OBJECTS,
            "path = self._root / file.area / file.key",
            "path = self._root / Area.PUBLIC / file.key",
        ),
    ),
)
DOOR_SHOWS_REVIEW = Bug(
    "the door serves what waits for review",
    "I3",
    ("read_by_anybody",),
    PAID,
    (
        Patch(
            "services/gateway/adapters/object_directory.py",
            'return self._find("public", key)',
            'return self._find("public", key) or self._find("review", key)',
        ),
    ),
)
STAGING_KEPT = Bug(
    "staging is not cleared",
    "I4",
    ("staged_too_long",),
    DRAWN,
    (Patch("services/storage/handler/cleanup.py", "await self.staging.delete(ref)", "del ref"),),
)
OTHER_BYTES = Bug(
    "other bytes are delivered than were judged",
    "I5",
    ("other_bytes_delivered",),
    DRAWN,
    (
        Patch(
            PLACING,
            "await self.objects.create_all(files)",
            "await self.objects.create_all("
            '[DerivedFile(f.area, f.key, f.data + b"\\0", f.media_type) for f in files])',
        ),
    ),
)
UNSIGNED_COPIES = Bug(
    "copies are delivered unsigned",
    "I5",
    ("credentials_missing",),
    DRAWN,
    (
        Patch(
            DELIVER,
            "data=self.credentials.sign(copy, provenance)",
            "data=copy.data",
        ),
    ),
)
ANOTHERS_PICTURE = Bug(
    "every piece is delivered with the picture of the first",
    "I5",
    ("another_picture",),
    DRAWN,
    (
        Patch(
            DELIVER,
            "await self.imaging.derive(image, ",
            "await self.imaging.derive(globals().setdefault('first', image), ",
        ),
    ),
)
NOBODY_SIGNS = Bug(
    "nobody signs verdicts, and nobody asks for it",
    "I5",
    ("verdict_unsigned",),
    DRAWN,
    (
        Patch(
            "shared/signing.py",
            'return verdict.model_copy(update={"signature": signature})',
            "return verdict",
        ),
        Patch(
            "services/storage/handler/vouching.py",
            "if not keys.vouch_for(about, verdict):",
            "if not keys:",
        ),
        Patch(
            "services/ledger/adapters/doubts.py",
            "vouched=self.keys.vouch_for(event, event.verdict),",
            "vouched=True,",
        ),
    ),
)
KEY_IGNORED = Bug(
    "the idempotency key is ignored",
    "I6",
    ("key_gave_two_tasks",),
    DRAWN,
    (
        Patch(
            "services/gateway/handler/idempotency.py",
            "    return OrderKey(key=key_identity(chosen), body_sha256=order_body_sha256(body))",
            "    return None",
        ),
    ),
)
