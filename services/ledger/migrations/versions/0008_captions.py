"""Captions are bought as images are: calls of both kinds in one book."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    "ALTER TABLE attempts ADD COLUMN kind text NOT NULL DEFAULT 'image'",
    "ALTER TABLE attempts ADD COLUMN captions jsonb",
    (
        "COMMENT ON COLUMN attempts.captions IS"
        " 'what a call for captions gave, with the piece''s share'"
    ),
    "ALTER TABLE attempts ADD CONSTRAINT ck_attempts_kind CHECK (kind IN ('image', 'captions'))",
    (
        "CREATE UNIQUE INDEX ix_attempts_one_open_per_piece_and_kind"
        " ON attempts (piece_id, kind) WHERE outcome = 'open'"
    ),
    "DROP INDEX ix_attempts_one_open_per_piece",
)


def upgrade() -> None:
    """Add what is new; every call on record bought an image."""
    for statement in STATEMENTS:
        op.execute(statement)
