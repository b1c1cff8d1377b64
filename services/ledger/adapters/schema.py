"""The tables, as the migrations leave them. The database itself refuses what must never be.

Ids are text, times carry their zone, money is integers of micro-dollars. Attempts and history
keep the ids of what they are about without foreign keys: they outlive it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

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

avatars = Table(
    "avatars",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("user_id", Text),
    Column("name", Text, nullable=False),
    Column("niche", Text),
    Column("stage", Text, nullable=False),
    Column("lora_weights_url", Text),
    Column("lora_model_id", Text),
    Column("trigger_word", Text),
    Column("base_prompt", Text, nullable=False, server_default=""),
    Column("negative_prompt", Text, nullable=False, server_default=""),
    Column("lora_scale", Double, nullable=False, server_default=text("0.9")),
    Column("likeness", Json),
    Column("adult_attested_at", Moment),
    Column("meta_data", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    Column("updated_at", Moment, nullable=False, server_default=NOW),
    Column("handed_over_at", Moment),
    CheckConstraint("lora_scale BETWEEN 0 AND 1", name="lora_scale"),
    # A key, never a link: a link could carry a signature or a foreign host.
    CheckConstraint("lora_weights_url !~ '[?:]'", name="lora_weights_are_a_key"),
    Index("ix_avatars_tenant_created_at_id", "tenant", "created_at", "id"),
)

lora_models = Table(
    "lora_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("r2_path", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    UniqueConstraint("tenant", "name", "version"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("avatar_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("config", Json, nullable=False),
    Column("total", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="accepted"),
    Column("accepted_at", Moment, nullable=False),
    Column("deadline_at", Moment, nullable=False),
    Column("completed_at", Moment),
    Column("cancelled_at", Moment),
    CheckConstraint("state IN ('accepted', 'completed', 'failed', 'cancelled')", name="state"),
    CheckConstraint("(state = 'accepted') = (completed_at IS NULL)", name="completed_at"),
    CheckConstraint("total > 0", name="total"),
    Index("ix_tasks_avatar_id", "avatar_id"),
    Index("ix_tasks_open", "accepted_at", postgresql_where=text("completed_at IS NULL")),
)

pieces = Table(
    "pieces",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("task_id", Text, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("avatar_id", Text, ForeignKey("avatars.id", ondelete="CASCADE"), nullable=False),
    Column("index", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="requested"),
    Column("reached", SmallInteger, nullable=False, server_default=text("0")),
    Column("current_run", Integer, nullable=False, server_default=text("1")),
    Column("reason", Text),
    Column("detail", Text),
    Column("brief", Json, nullable=False),
    Column("verdict_decision", Text),
    Column("verdict_rating", Text),
    Column("verdict_level", SmallInteger),
    Column("verdict_tier", Text),
    Column("verdict_sha256", Text),
    Column("verdict_judge", Text),
    Column("verdict_policy", Text),
    Column("verdict_reason", Text),
    Column("image_sha256", Text),
    Column("held", Json, comment="the stored fact of a piece that waits for review"),
    Column(
        "content_id",
        Text,
        ForeignKey("content_pieces.id", deferrable=True, initially="DEFERRED"),
    ),
    Column("deadline_at", Moment, nullable=False),
    Column("begun_at", Moment, comment="when the first attempt was opened"),
    Column("progressed_at", Moment, nullable=False, server_default=NOW),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    Column("ended_at", Moment),
    UniqueConstraint("task_id", "index"),
    CheckConstraint(
        "state IN ('requested', 'generated', 'hooked', 'moderated',"
        " 'persisted', 'rejected', 'failed', 'pending_review')",
        name="state",
    ),
    CheckConstraint("reached BETWEEN 0 AND 4", name="reached"),
    CheckConstraint("(state = 'persisted') = (content_id IS NOT NULL)", name="persisted_content"),
    CheckConstraint("content_id = id", name="own_content"),
    CheckConstraint("(state = 'pending_review') = (held IS NOT NULL)", name="held"),
    CheckConstraint(
        "(state IN ('persisted', 'rejected', 'failed')) = (ended_at IS NOT NULL)", name="ended_at"
    ),
    CheckConstraint("state NOT IN ('rejected', 'failed') OR reason IS NOT NULL", name="reason"),
    CheckConstraint(
        "state <> 'rejected' OR verdict_decision IS NOT DISTINCT FROM 'rejected'",
        name="rejected_verdict",
    ),
    Index("ix_pieces_avatar_id_created_at", "avatar_id", "created_at"),
    Index("ix_pieces_unsettled_task", "task_id", postgresql_where=text(UNSETTLED)),
    Index("ix_pieces_unsettled_deadline", "deadline_at", postgresql_where=text(UNSETTLED)),
    Index("ix_pieces_unsettled_progress", "progressed_at", postgresql_where=text(UNSETTLED)),
)

content_pieces = Table(
    "content_pieces",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("avatar_id", Text, ForeignKey("avatars.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", Text, nullable=False),
    Column("content_type", Text, nullable=False, server_default="image"),
    Column("access_tier", Text, nullable=False, server_default="capa1"),
    Column("template_id", Text),
    Column("url", Text, nullable=False),
    Column("thumbnail_url", Text),
    Column("object_key", Text, nullable=False),
    Column("thumbnail_key", Text, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("uploaded", Boolean, nullable=False),
    Column("hook_text", Text),
    Column("safety_rating", Text, nullable=False),
    Column("explicitness_level", SmallInteger, nullable=False),
    Column("price_usd_micros", BigInteger),
    Column("lora_id", Text),
    Column("image_hash", Text, nullable=False),
    Column("source_sha256", Text, nullable=False),
    Column("verdict_decision", Text, nullable=False),
    Column("verdict_sha256", Text, nullable=False),
    Column("meta_data", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("created_at", Moment, nullable=False, server_default=NOW),
    Column("published_at", Moment),
    CheckConstraint("content_type IN ('image', 'video')", name="content_type"),
    CheckConstraint("access_tier IN ('capa1', 'capa2', 'capa3')", name="access_tier"),
    CheckConstraint(
        "safety_rating IN ('safe', 'suggestive', 'borderline', 'explicit')", name="safety_rating"
    ),
    CheckConstraint("explicitness_level BETWEEN 1 AND 10", name="explicitness_level"),
    CheckConstraint("price_usd_micros >= 0", name="price"),
    CheckConstraint("url NOT LIKE 'data:%'", name="url_is_no_data"),
    CheckConstraint("verdict_decision IN ('approved', 'skipped')", name="verdict_allows"),
    CheckConstraint("verdict_sha256 = source_sha256", name="verdict_names_source"),
    CheckConstraint(
        "verdict_decision <> 'skipped' OR (access_tier = 'capa1' AND template_id IS NOT NULL)",
        name="skip_is_allowed",
    ),
    Index("ix_content_pieces_avatar_id", "avatar_id"),
    Index("ix_content_pieces_access_tier", "access_tier"),
    Index("ix_content_pieces_safety_rating", "safety_rating"),
    Index("ix_content_pieces_created_at", "created_at"),
    Index("ix_content_pieces_avatar_id_created_at", "avatar_id", "created_at"),
)

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
    UniqueConstraint("piece_id", "number"),
    CheckConstraint("outcome IN ('open', 'succeeded', 'failed', 'unknown')", name="outcome"),
    CheckConstraint("outcome <> 'open' OR settled_at IS NULL", name="open_is_unsettled"),
    CheckConstraint(
        "outcome NOT IN ('succeeded', 'failed') OR settled_at IS NOT NULL", name="settled_at"
    ),
    CheckConstraint("cost_usd_micros >= 0", name="cost"),
    CheckConstraint("bytes_lost_at IS NULL OR outcome = 'succeeded'", name="bytes_lost_at"),
    Index("ix_attempts_task_id", "task_id"),
    Index("ix_attempts_avatar_id", "avatar_id"),
    Index(
        "ix_attempts_one_open_per_piece",
        "piece_id",
        unique=True,
        postgresql_where=text("outcome = 'open'"),
    ),
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

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("fact", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=text("clock_timestamp()")),
)
