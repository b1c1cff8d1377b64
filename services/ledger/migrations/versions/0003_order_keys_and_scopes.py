"""Order keys, scopes and limits of API keys, and when an avatar's weights were handed over."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE order_keys (
        tenant text NOT NULL,
        key text NOT NULL,
        body_sha256 text NOT NULL,
        task_id text NOT NULL
            CONSTRAINT fk_order_keys_task_id REFERENCES tasks (id) ON DELETE CASCADE
            DEFERRABLE INITIALLY DEFERRED,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_order_keys PRIMARY KEY (tenant, key),
        CONSTRAINT ck_order_keys_body_is_hashed CHECK (body_sha256 ~ '^[0-9a-f]{64}$')
    )
    """,
    "CREATE INDEX ix_order_keys_created_at ON order_keys (created_at)",
    "CREATE INDEX ix_order_keys_task_id ON order_keys (task_id)",
    # Keys from before there were scopes open everything, as they did.
    (
        "ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL"
        " DEFAULT '{read,write,review,admin}'::text[]"
    ),
    "ALTER TABLE api_keys ALTER COLUMN scopes DROP DEFAULT",
    "ALTER TABLE api_keys ADD COLUMN limit_requests integer NOT NULL DEFAULT 600",
    "ALTER TABLE api_keys ADD COLUMN limit_window_s integer NOT NULL DEFAULT 60",
    "ALTER TABLE api_keys ADD COLUMN issued_by text",
    (
        "ALTER TABLE api_keys ADD CONSTRAINT ck_api_keys_scopes CHECK"
        " (scopes <@ ARRAY['read', 'write', 'review', 'admin'] AND cardinality(scopes) > 0)"
    ),
    (
        "ALTER TABLE api_keys ADD CONSTRAINT ck_api_keys_limit"
        " CHECK (limit_requests > 0 AND limit_window_s > 0)"
    ),
    "CREATE INDEX ix_api_keys_tenant_created_at_key_id ON api_keys (tenant, created_at, key_id)",
    "ALTER TABLE avatars ADD COLUMN handed_over_at timestamptz",
)


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    for statement in STATEMENTS:
        op.execute(statement)
