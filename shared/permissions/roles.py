"""The table: what each user of the broker has to do there, and nothing more."""

from dataclasses import dataclass
from typing import Any

from shared import calls, topology
from shared.events import (
    FACTS,
    AttemptSettled,
    AvatarReady,
    ContentFailed,
    ContentHalted,
    ContentHooked,
    ContentModerated,
    ContentPersisted,
    ContentRejected,
    ContentRequested,
    ContentStored,
    DeliveryWithdrawn,
    Fact,
    ImageGenerated,
    ReviewApproved,
    TaskAccepted,
    TaskCompleted,
    TaskRefused,
    TaskRequested,
)
from shared.rpc import Call
from shared.topology import Step

STAGING = "staging"
DEAD_LETTER_BODIES = "dead-letters"

AnyCall = Call[Any, Any]


@dataclass(frozen=True, slots=True)
class Role:
    """A user of the broker, by what it has to do there.

    `looks_up` are facts of which single messages are read without consuming them, `watches` are
    steps of others whose queues are looked at. Buckets: `puts` new bytes, `clears` deletes some,
    `lists` names them; who `measures` one sees how full it is, and all streams of facts besides.
    Who carries a step also puts what it cannot read among the dead letters.
    """

    name: str
    writes: tuple[type[Fact], ...] = ()
    carries: tuple[Step, ...] = ()
    hears: tuple[type[Fact], ...] = ()
    looks_up: tuple[type[Fact], ...] = ()
    watches: tuple[Step, ...] = ()
    answers: tuple[AnyCall, ...] = ()
    asks: tuple[AnyCall, ...] = ()
    gets: tuple[str, ...] = ()
    puts: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()


ASKED_OF_THE_LEDGER = (
    calls.FIND_KEY,
    calls.ISSUE_KEY,
    calls.LIST_KEYS,
    calls.REVOKE_KEY,
    calls.CREATE_AVATAR,
    calls.GET_AVATAR,
    calls.LIST_AVATARS,
    calls.CHANGE_AVATAR,
    calls.DELETE_AVATAR,
    calls.ACCEPT_TASK,
    calls.FIND_ORDER,
    calls.GET_TASK,
    calls.CANCEL_TASK,
    calls.GET_PIECE,
    calls.LIST_PIECES,
    calls.PUBLISH_PIECE,
    calls.TAKE_DOWN_PIECE,
    calls.UNFREEZE_AVATAR,
    calls.LIST_REVIEWS,
    calls.GET_REVIEW,
    calls.DECIDE_REVIEW,
    calls.LIST_ACTIONS,
    calls.GET_STATS,
    calls.LIST_ATTEMPTS,
    calls.RECONCILE_ATTEMPT,
    calls.PROVIDER_RECORDS,
    calls.CLAIM_REQUEST,
    calls.COMPLETE_REQUEST,
    calls.RELEASE_REQUEST,
    calls.LEDGER_HEALTH,
)
"""Calls that the door makes and the ledger answers."""

GATEWAY = Role(
    "gateway",
    writes=(TaskAccepted, TaskRefused),
    carries=(topology.TAKE_ORDER, topology.HAND_OVER),
    hears=(TaskCompleted,),
    asks=(
        *ASKED_OF_THE_LEDGER,
        calls.STORAGE_HEALTH,
        calls.PROVIDER_HEALTH,
        calls.LIST_PROVIDERS,
        calls.SCREEN_TEXTS,
        calls.CHECK_CONTENT,
        calls.SAFETY_HEALTH,
        calls.WRITE_CAPTIONS,
        calls.SIGN_LINKS,
        calls.LEND_BYTES,
        calls.UPLOAD_PIECE,
    ),
    # Images that a client asks about, for as long as they are looked at.
    gets=(STAGING,),
    puts=(STAGING,),
    clears=(STAGING,),
)
GENERATOR = Role(
    "generator",
    writes=(ImageGenerated, AttemptSettled, ContentHalted),
    carries=(topology.GENERATE_INTERACTIVE, topology.GENERATE_BULK),
    answers=(calls.PROVIDER_HEALTH, calls.LIST_PROVIDERS),
    asks=(
        calls.OPEN_ATTEMPT,
        calls.NOTE_CALL,
        calls.PROVIDER_RECORDS,
        calls.FIND_SUBSTITUTE,
        calls.SIGN_LINKS,
        calls.LEND_BYTES,
    ),
    gets=(STAGING,),
    puts=(STAGING,),
    # Half an image that did not fit is taken back: a full bucket would fill up with halves.
    clears=(STAGING,),
)
HOOKS = Role(
    "hooks",
    writes=(ContentHooked, AttemptSettled, ContentHalted),
    carries=(topology.WRITE_HOOKS,),
    answers=(calls.WRITE_CAPTIONS,),
    asks=(calls.OPEN_ATTEMPT, calls.SCREEN_TEXTS),
)
SAFETY = Role(
    "safety",
    writes=(ContentModerated, ContentHalted),
    carries=(topology.MODERATE, topology.SIGN_APPROVAL),
    answers=(calls.SCREEN_TEXTS, calls.CHECK_CONTENT, calls.SAFETY_HEALTH),
    asks=(calls.MATCH_IMAGE,),
    gets=(STAGING,),
)
STORAGE = Role(
    "storage",
    writes=(ContentStored, ContentHalted),
    carries=(
        topology.STORE,
        topology.CLEAR_PERSISTED,
        topology.CLEAR_REJECTED,
        topology.CLEAR_FAILED,
        topology.WITHDRAW,
    ),
    answers=(calls.SIGN_LINKS, calls.LEND_BYTES, calls.UPLOAD_PIECE, calls.STORAGE_HEALTH),
    asks=(calls.FIND_ENDED, calls.FIND_UNOWNED, calls.GET_RECEIPT, calls.RECORD_UPLOAD),
    gets=(STAGING,),
    puts=(STAGING,),
    clears=(STAGING,),
    lists=(STAGING,),
)
LEDGER = Role(
    "ledger",
    writes=(
        ContentRequested,
        ContentPersisted,
        ContentRejected,
        ContentFailed,
        DeliveryWithdrawn,
        ReviewApproved,
        TaskCompleted,
    ),
    carries=(
        topology.PERSIST,
        topology.END_HALTED,
        topology.RECORD_ATTEMPT,
        topology.NOTE_GENERATED,
        topology.NOTE_HOOKED,
        topology.NOTE_MODERATED,
    ),
    looks_up=(
        AttemptSettled,
        ContentRequested,
        ImageGenerated,
        ContentHooked,
        ContentModerated,
        ContentStored,
        ReviewApproved,
        ContentHalted,
    ),
    watches=(
        topology.GENERATE_INTERACTIVE,
        topology.GENERATE_BULK,
        topology.WRITE_HOOKS,
        topology.MODERATE,
        topology.SIGN_APPROVAL,
        topology.STORE,
    ),
    measures=(STAGING,),
    answers=(
        *ASKED_OF_THE_LEDGER,
        calls.OPEN_ATTEMPT,
        calls.NOTE_CALL,
        calls.FIND_ENDED,
        calls.MATCH_IMAGE,
        calls.FIND_SUBSTITUTE,
        calls.FIND_UNOWNED,
        calls.GET_RECEIPT,
        calls.RECORD_UPLOAD,
    ),
    asks=(calls.STORAGE_HEALTH,),
)
SERVICES = (GATEWAY, GENERATOR, HOOKS, SAFETY, STORAGE, LEDGER)

OPERATOR = "operator"
OUTSIDE = "outside"

REPLAYED = (
    TaskRequested,
    AvatarReady,
    ImageGenerated,
    ContentHooked,
    ContentStored,
    ContentHalted,
    AttemptSettled,
)
"""Facts that an operator may send again from a dead letter. A verdict, an acceptance and an end
are not among them: only who decides them writes them."""


ASKED_BY_OTHERS = (TaskRequested, AvatarReady)
"""Facts that other systems write."""

FOLLOWED = tuple(fact for fact in FACTS if fact not in ASKED_BY_OTHERS)
"""Facts of their own tenant that other systems may follow."""
