"""What people and rules decided, and what must not come back. Rows are only ever added."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import BIT

from services.ledger.adapters.schema.base import PRINT_BITS, Moment, metadata

_AT = text("clock_timestamp()")

review_decisions = Table(
    "review_decisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("piece_id", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False, server_default=_AT),
    Column("rating", Text),
    Column("reason", Text),
    CheckConstraint("decision IN ('approve', 'reject')", name="decision"),
    CheckConstraint("(decision = 'approve') = (rating IS NOT NULL)", name="rating"),
    CheckConstraint("decision <> 'reject' OR reason IS NOT NULL", name="reason"),
    Index("ix_review_decisions_piece_id", "piece_id"),
    Index(
        "ix_review_decisions_one_approval_each",
        *("piece_id", "run", "by"),
        unique=True,
        postgresql_where=text("decision = 'approve'"),
    ),
)

moderation_actions = Table(
    "moderation_actions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("avatar_id", Text, nullable=False),
    Column("piece_id", Text),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False, server_default=_AT),
    Column(
        "causes",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="pieces for which a lifted freeze was",
    ),
    CheckConstraint(
        "action IN ('freeze', 'unfreeze', 'take_down', 'review_expire')", name="action"
    ),
    Index("ix_moderation_actions_avatar_id", "avatar_id"),
    Index("ix_moderation_actions_tenant_id", "tenant", "id"),
    Index(
        "ix_moderation_actions_once_a_piece",
        *("piece_id", "action"),
        unique=True,
        postgresql_where=text("action <> 'unfreeze'"),
    ),
)

blocked_images = Table(
    "blocked_images",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("image_print", BIT(PRINT_BITS)),
    Column("piece_id", Text, nullable=False),
    Column("at", Moment, nullable=False, server_default=_AT),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="hash"),
    Index(
        "ix_blocked_images_prints",
        "tenant",
        postgresql_include=["image_print", "piece_id"],
        postgresql_where=text("image_print IS NOT NULL"),
    ),
)
