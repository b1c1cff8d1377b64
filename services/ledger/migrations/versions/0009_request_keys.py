"""Requests that cost money and make no task are remembered by their keys, with their answers."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """
    CREATE TABLE request_keys (
        tenant text NOT NULL,
        key text NOT NULL,
        body_sha256 text NOT NULL,
        holder text NOT NULL,
        held_until timestamptz NOT NULL,
        begun smallint NOT NULL DEFAULT 1,
        answer jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_request_keys PRIMARY KEY (tenant, key),
        CONSTRAINT ck_request_keys_body_is_hashed CHECK (body_sha256 ~ '^[0-9a-f]{64}$'),
        CONSTRAINT ck_request_keys_begun CHECK (begun > 0)
    )
    """,
    "COMMENT ON COLUMN request_keys.holder IS 'who has begun it last'",
    "CREATE INDEX ix_request_keys_created_at ON request_keys (created_at)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in STATEMENTS:
        op.execute(statement)
