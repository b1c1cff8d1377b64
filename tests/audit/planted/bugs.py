"""All the bugs that are planted, by the invariant that they break."""

from tests.audit.planted.bugs_in_effects import (
    ANOTHERS_PICTURE,
    BUYS_AGAIN,
    DOOR_SHOWS_REVIEW,
    EVERYTHING_PUBLIC,
    KEY_IGNORED,
    NOBODY_SIGNS,
    OTHER_BYTES,
    SETTLES_TWICE,
    STAGING_KEPT,
    SUCCESS_AS_FAILURE,
    UNSIGNED_COPIES,
    VERDICT_IGNORED,
)
from tests.audit.planted.bugs_in_ends import (
    ACK_FIRST,
    COMPLETES_EARLY,
    NO_COMPARE_AND_SET,
    NO_OUTBOX,
    NO_PUBACK,
    RANDOM_RUN,
    RELAY_FORGETS,
)

BUGS = (
    ACK_FIRST,
    NO_PUBACK,
    RANDOM_RUN,
    NO_COMPARE_AND_SET,
    COMPLETES_EARLY,
    NO_OUTBOX,
    RELAY_FORGETS,
    BUYS_AGAIN,
    SETTLES_TWICE,
    SUCCESS_AS_FAILURE,
    VERDICT_IGNORED,
    EVERYTHING_PUBLIC,
    DOOR_SHOWS_REVIEW,
    STAGING_KEPT,
    OTHER_BYTES,
    UNSIGNED_COPIES,
    ANOTHERS_PICTURE,
    NOBODY_SIGNS,
    KEY_IGNORED,
)
ALWAYS_TRIED = (NO_COMPARE_AND_SET,)
"""Tried by every run of the tests; the others on demand."""
