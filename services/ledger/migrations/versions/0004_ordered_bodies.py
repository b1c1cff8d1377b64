"""Tasks remember what was ordered by their key, for when the key itself is forgotten."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the hash of the order; tasks from before have none."""
    op.execute("ALTER TABLE tasks ADD COLUMN body_sha256 text")
    op.execute(
        "COMMENT ON COLUMN tasks.body_sha256 IS 'of what was ordered by a key; outlives the key'"
    )
    op.execute(
        "ALTER TABLE tasks ADD CONSTRAINT ck_tasks_body_is_hashed"
        " CHECK (body_sha256 ~ '^[0-9a-f]{64}$')"
    )
