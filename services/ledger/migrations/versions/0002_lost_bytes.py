"""Attempts remember that the image they had paid for is gone and was bought again."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the moment of the loss; only a success can lose its bytes."""
    op.execute("ALTER TABLE attempts ADD COLUMN bytes_lost_at timestamptz")
    op.execute(
        "ALTER TABLE attempts ADD CONSTRAINT ck_attempts_bytes_lost_at"
        " CHECK (bytes_lost_at IS NULL OR outcome = 'succeeded')"
    )
