"""What was spent, what happened, and what waits to be told."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from services.ledger.adapters.schema.base import NOW, OPEN, UNCLEAR, Json, Moment, metadata

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("piece_id", Text, nullable=False),
    Column("avatar_id", Text),
    Column("run", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("outcome", Text, nullable=False, server_default="open"),
    Column("error_code", Text),
    Column("detail", Text),
    Column("duration_ms", BigInteger),
    Column("cost_usd_micros", BigInteger, nullable=False, server_default=text("0")),
    Column("call_id", Text),
    Column("lease_until", Moment, nullable=False),
    Column("opened_at", Moment, nullable=False, server_default=NOW),
    Column("settled_at", Moment),
    Column("image", Json),
    Column("generation", Json),
    Column("bytes_lost_at", Moment),
    Column("reconciled_at", Moment),
    Column("reconciled_by", Text),
    Column("reconcile_note", Text),
    Column("kind", Text, nullable=False, server_default="image"),
    Column("captions", Json, comment="what a call for captions gave, with the piece's share"),
    UniqueConstraint("piece_id", "number"),
    CheckConstraint("outcome IN ('open', 'succeeded', 'failed', 'unknown')", name="outcome"),
    CheckConstraint("outcome <> 'open' OR settled_at IS NULL", name="open_is_unsettled"),
    CheckConstraint(
        "outcome NOT IN ('succeeded', 'failed') OR settled_at IS NOT NULL", name="settled_at"
    ),
    CheckConstraint("cost_usd_micros >= 0", name="cost"),
    CheckConstraint("bytes_lost_at IS NULL OR outcome = 'succeeded'", name="bytes_lost_at"),
    CheckConstraint("kind IN ('image', 'captions')", name="kind"),
    CheckConstraint("(reconciled_at IS NULL) = (reconciled_by IS NULL)", name="reconciled"),
    CheckConstraint("reconciled_at IS NULL OR outcome <> 'open'", name="open_is_unreconciled"),
    Index("ix_attempts_task_id", "task_id"),
    Index("ix_attempts_avatar_id", "avatar_id"),
    Index(
        "ix_attempts_one_open_per_piece_and_kind",
        *("piece_id", "kind"),
        unique=True,
        postgresql_where=text(OPEN),
    ),
    Index("ix_attempts_open_by_provider", "provider", postgresql_where=text(OPEN)),
    Index("ix_attempts_unclear", "opened_at", "attempt_id", postgresql_where=text(UNCLEAR)),
    Index(
        "ix_attempts_settled_at",
        "settled_at",
        postgresql_where=text("settled_at IS NOT NULL"),
    ),
    Index("ix_attempts_tenant_opened_at_attempt_id", "tenant", "opened_at", "attempt_id"),
)

piece_events = Table(
    "piece_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("piece_id", Text, nullable=False),
    Column("avatar_id", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Column("fact", Text, nullable=False),
    Column("at", Moment, nullable=False, server_default=text("clock_timestamp()")),
    Column("detail", Json, nullable=False, server_default=text("'{}'::jsonb")),
    UniqueConstraint("piece_id", "run", "fact"),
    Index("ix_piece_events_task_id", "task_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("fact", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=text("clock_timestamp()")),
)
