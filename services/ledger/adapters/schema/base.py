"""What all tables share."""

from sqlalchemy import MetaData, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

Moment = TIMESTAMP(timezone=True)
Json = JSONB(none_as_null=True)
NOW = text("now()")
UNSETTLED = "state IN ('requested', 'generated', 'hooked', 'moderated')"
"""Pieces that a task still waits for; the predicate of the indexes that find them."""
WAITING_FOR_REVIEW = "state = 'pending_review'"
"""Pieces that wait for a person; the predicate of the indexes that find them."""
OPEN = "outcome = 'open'"
"""Provider calls that may be under way; the predicate of the indexes that find them."""
UNCLEAR = "outcome = 'unknown' AND reconciled_at IS NULL"
"""Provider calls that nobody knows the end of; the predicate of the index that finds them."""
PRINT_BITS = 64
