"""Calls under way counted by provider, unknown ones reconciled, and earlier images standing in."""

from alembic import op

revision = "0007"
down_revision = "0006"

ATTEMPTS = (
    "ALTER TABLE attempts ADD COLUMN reconciled_at timestamptz",
    "ALTER TABLE attempts ADD COLUMN reconciled_by text",
    "ALTER TABLE attempts ADD COLUMN reconcile_note text",
    (
        "ALTER TABLE attempts ADD CONSTRAINT ck_attempts_reconciled"
        " CHECK ((reconciled_at IS NULL) = (reconciled_by IS NULL))"
    ),
    (
        "ALTER TABLE attempts ADD CONSTRAINT ck_attempts_open_is_unreconciled"
        " CHECK (reconciled_at IS NULL OR outcome <> 'open')"
    ),
    "CREATE INDEX ix_attempts_open_by_provider ON attempts (provider) WHERE outcome = 'open'",
    (
        "CREATE INDEX ix_attempts_unclear ON attempts (opened_at, attempt_id)"
        " WHERE outcome = 'unknown' AND reconciled_at IS NULL"
    ),
    ("CREATE INDEX ix_attempts_settled_at ON attempts (settled_at) WHERE settled_at IS NOT NULL"),
    (
        "CREATE INDEX ix_attempts_tenant_opened_at_attempt_id"
        " ON attempts (tenant, opened_at, attempt_id)"
    ),
)

PIECES = (
    "ALTER TABLE pieces ADD COLUMN substitute_id text",
    (
        "COMMENT ON COLUMN pieces.substitute_id IS"
        " 'the earlier piece whose image was chosen to stand in'"
    ),
    (
        "CREATE INDEX ix_pieces_substituted ON pieces (avatar_id, substitute_id)"
        " WHERE substitute_id IS NOT NULL"
    ),
)


def upgrade() -> None:
    """Add what is new."""
    for statement in (*ATTEMPTS, *PIECES):
        op.execute(statement)
