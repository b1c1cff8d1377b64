"""Whole verdicts, reviews, frozen avatars, pieces taken down, and images that look the same."""

from alembic import op

revision = "0005"
down_revision = "0004"

PIECES = (
    "ALTER TABLE pieces ADD COLUMN verdict jsonb",
    "COMMENT ON COLUMN pieces.verdict IS 'all that moderation said, as it was signed'",
    # With a value for each: a release that runs on for a while does not know the column.
    "ALTER TABLE pieces ADD COLUMN held_at timestamptz NOT NULL DEFAULT now()",
    "COMMENT ON COLUMN pieces.held_at IS 'since when it waits for review, if it does or did'",
    "UPDATE pieces SET held_at = progressed_at WHERE held IS NOT NULL",
    "COMMENT ON COLUMN pieces.held IS 'the stored fact of a piece that waits or waited for review'",
    "ALTER TABLE pieces DROP CONSTRAINT ck_pieces_held",
    (
        "ALTER TABLE pieces ADD CONSTRAINT ck_pieces_held"
        " CHECK (state <> 'pending_review' OR held IS NOT NULL)"
    ),
    "ALTER TABLE pieces DROP CONSTRAINT ck_pieces_rejected_verdict",
    (
        "ALTER TABLE pieces ADD CONSTRAINT ck_pieces_rejected_verdict"
        " CHECK (state <> 'rejected' OR verdict_decision IS NOT DISTINCT FROM 'rejected'"
        " OR held IS NOT NULL)"
    ),
    (
        "ALTER TABLE pieces ADD CONSTRAINT ck_pieces_reviewed_verdict"
        " CHECK (state <> 'persisted' OR held IS NULL"
        " OR verdict_decision IS NOT DISTINCT FROM 'approved')"
    ),
    (
        "CREATE INDEX ix_pieces_waiting_for_review ON pieces (tenant, held_at, id)"
        " WHERE state = 'pending_review'"
    ),
    "CREATE INDEX ix_pieces_review_expires ON pieces (held_at) WHERE state = 'pending_review'",
)

AVATARS = (
    "ALTER TABLE avatars ADD COLUMN frozen_at timestamptz",
    "ALTER TABLE avatars ADD COLUMN frozen_reason text",
    "ALTER TABLE avatars ADD COLUMN frozen_by_piece text",
    (
        "ALTER TABLE avatars ADD CONSTRAINT ck_avatars_frozen"
        " CHECK ((frozen_at IS NULL) = (frozen_reason IS NULL))"
    ),
)

CONTENT = (
    "ALTER TABLE content_pieces ADD COLUMN image_print bit(64)",
    "ALTER TABLE content_pieces ADD COLUMN near_duplicate_of text",
    "ALTER TABLE content_pieces ADD COLUMN taken_down_at timestamptz",
    "ALTER TABLE content_pieces ADD COLUMN taken_down_by text",
    "ALTER TABLE content_pieces ADD COLUMN taken_down_reason text",
    (
        "ALTER TABLE content_pieces ADD CONSTRAINT ck_content_pieces_taken_down"
        " CHECK ((taken_down_at IS NULL) = (taken_down_by IS NULL)"
        " AND (taken_down_at IS NULL) = (taken_down_reason IS NULL))"
    ),
)

RECORDS = (
    """
    CREATE TABLE review_decisions (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_review_decisions PRIMARY KEY,
        tenant text NOT NULL,
        piece_id text NOT NULL,
        run integer NOT NULL,
        decision text NOT NULL,
        by text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        rating text,
        reason text,
        CONSTRAINT ck_review_decisions_decision CHECK (decision IN ('approve', 'reject')),
        CONSTRAINT ck_review_decisions_rating
            CHECK ((decision = 'approve') = (rating IS NOT NULL)),
        CONSTRAINT ck_review_decisions_reason CHECK (decision <> 'reject' OR reason IS NOT NULL)
    )
    """,
    "CREATE INDEX ix_review_decisions_piece_id ON review_decisions (piece_id)",
    (
        "CREATE UNIQUE INDEX ix_review_decisions_one_approval_each"
        " ON review_decisions (piece_id, run, by) WHERE decision = 'approve'"
    ),
    """
    CREATE TABLE moderation_actions (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_moderation_actions PRIMARY KEY,
        tenant text NOT NULL,
        action text NOT NULL,
        avatar_id text NOT NULL,
        piece_id text,
        by text NOT NULL,
        reason text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT ck_moderation_actions_action
            CHECK (action IN ('freeze', 'unfreeze', 'take_down', 'review_expire'))
    )
    """,
    "CREATE INDEX ix_moderation_actions_avatar_id ON moderation_actions (avatar_id)",
    (
        "CREATE UNIQUE INDEX ix_moderation_actions_once_a_piece"
        " ON moderation_actions (piece_id, action) WHERE action <> 'unfreeze'"
    ),
    """
    CREATE TABLE blocked_images (
        tenant text NOT NULL,
        sha256 text NOT NULL,
        image_print bit(64),
        piece_id text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT pk_blocked_images PRIMARY KEY (tenant, sha256),
        CONSTRAINT ck_blocked_images_hash CHECK (sha256 ~ '^[0-9a-f]{64}$')
    )
    """,
    (
        "CREATE INDEX ix_blocked_images_prints ON blocked_images (tenant)"
        " INCLUDE (image_print, piece_id) WHERE image_print IS NOT NULL"
    ),
)

APPEND_ONLY = ("review_decisions", "moderation_actions", "blocked_images")
REFUSAL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    """Add what is new, and have the database itself keep what must never change."""
    for statement in (*PIECES, *AVATARS, *CONTENT, *RECORDS, REFUSAL):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only"
            f" BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
