"""Equal bytes are found, takedowns told again, freezes seen by their weights, actions listed."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    "ALTER TABLE moderation_actions ADD COLUMN causes text[] NOT NULL DEFAULT '{}'",
    "COMMENT ON COLUMN moderation_actions.causes IS 'pieces for which a lifted freeze was'",
    "CREATE INDEX ix_moderation_actions_tenant_id ON moderation_actions (tenant, id)",
    (
        "CREATE INDEX ix_avatars_frozen_weights ON avatars (tenant, lora_weights_url)"
        " WHERE frozen_at IS NOT NULL"
    ),
    # Only ever asked for equality, and every delivery pays for them.
    "CREATE INDEX ix_content_pieces_source_sha256 ON content_pieces USING hash (source_sha256)",
    "CREATE INDEX ix_content_pieces_image_hash ON content_pieces USING hash (image_hash)",
    (
        "CREATE INDEX ix_content_pieces_taken_down ON content_pieces (taken_down_at, id)"
        " WHERE taken_down_at IS NOT NULL"
    ),
)


def upgrade() -> None:
    """Add what is new."""
    for statement in STATEMENTS:
        op.execute(statement)
