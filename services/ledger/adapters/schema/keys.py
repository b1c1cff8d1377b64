"""Keys: of the API, of orders, and of requests that make no task."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.ledger.adapters.schema.base import NOW, Json, Moment, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("limit_requests", Integer, nullable=False, server_default=text("600")),
    Column("limit_window_s", Integer, nullable=False, server_default=text("60")),
    Column("issued_by", Text),
    CheckConstraint("secret_sha256 ~ '^[0-9a-f]{64}$'", name="secret_is_hashed"),
    CheckConstraint(
        "scopes <@ ARRAY['read', 'write', 'review', 'admin'] AND cardinality(scopes) > 0",
        name="scopes",
    ),
    CheckConstraint("limit_requests > 0 AND limit_window_s > 0", name="limit"),
    Index("ix_api_keys_tenant_created_at_key_id", "tenant", "created_at", "key_id"),
)

order_keys = Table(
    "order_keys",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_sha256", Text, nullable=False),
    Column(
        "task_id",
        Text,
        # The key is claimed before the task is written.
        ForeignKey("tasks.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        nullable=False,
    ),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    CheckConstraint("body_sha256 ~ '^[0-9a-f]{64}$'", name="body_is_hashed"),
    Index("ix_order_keys_created_at", "created_at"),
    Index("ix_order_keys_task_id", "task_id"),
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_sha256", Text, nullable=False),
    Column("holder", Text, nullable=False, comment="who has begun it last"),
    Column("held_until", Moment, nullable=False),
    Column("begun", SmallInteger, nullable=False, server_default=text("1")),
    Column("answer", Json),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    CheckConstraint("body_sha256 ~ '^[0-9a-f]{64}$'", name="body_is_hashed"),
    CheckConstraint("begun > 0", name="begun"),
    Index("ix_request_keys_created_at", "created_at"),
)
