"""The first tables: keys, avatars, tasks, pieces, content, attempts, history and the outbox."""

from alembic import op

revision = "0001"
down_revision = None

KEYS = """
CREATE TABLE api_keys (
    key_id text CONSTRAINT pk_api_keys PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    secret_sha256 text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT ck_api_keys_secret_is_hashed CHECK (secret_sha256 ~ '^[0-9a-f]{64}$')
);
"""

AVATARS = """
CREATE TABLE avatars (
    id text CONSTRAINT pk_avatars PRIMARY KEY,
    tenant text NOT NULL,
    user_id text,
    name text NOT NULL,
    niche text,
    stage text NOT NULL,
    lora_weights_url text,
    lora_model_id text,
    trigger_word text,
    base_prompt text NOT NULL DEFAULT '',
    negative_prompt text NOT NULL DEFAULT '',
    lora_scale double precision NOT NULL DEFAULT 0.9,
    likeness jsonb,
    adult_attested_at timestamptz,
    meta_data jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_avatars_lora_scale CHECK (lora_scale BETWEEN 0 AND 1),
    CONSTRAINT ck_avatars_lora_weights_are_a_key CHECK (lora_weights_url !~ '[?:]')
);
CREATE INDEX ix_avatars_tenant_created_at_id ON avatars (tenant, created_at, id);

CREATE TABLE lora_models (
    id text CONSTRAINT pk_lora_models PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    r2_path text NOT NULL,
    version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_lora_models_tenant_name_version UNIQUE (tenant, name, version)
);
"""

TASKS = """
CREATE TABLE tasks (
    id text CONSTRAINT pk_tasks PRIMARY KEY,
    tenant text NOT NULL,
    avatar_id text NOT NULL,
    kind text NOT NULL,
    lane text NOT NULL,
    platform text NOT NULL,
    config jsonb NOT NULL,
    total integer NOT NULL,
    state text NOT NULL DEFAULT 'accepted',
    accepted_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    completed_at timestamptz,
    cancelled_at timestamptz,
    CONSTRAINT ck_tasks_state CHECK (state IN ('accepted', 'completed', 'failed', 'cancelled')),
    CONSTRAINT ck_tasks_completed_at CHECK ((state = 'accepted') = (completed_at IS NULL)),
    CONSTRAINT ck_tasks_total CHECK (total > 0)
);
CREATE INDEX ix_tasks_avatar_id ON tasks (avatar_id);
CREATE INDEX ix_tasks_open ON tasks (accepted_at) WHERE completed_at IS NULL;
"""

CONTENT = """
CREATE TABLE content_pieces (
    id text CONSTRAINT pk_content_pieces PRIMARY KEY,
    tenant text NOT NULL,
    avatar_id text NOT NULL
        CONSTRAINT fk_content_pieces_avatar_id REFERENCES avatars (id) ON DELETE CASCADE,
    task_id text NOT NULL,
    content_type text NOT NULL DEFAULT 'image',
    access_tier text NOT NULL DEFAULT 'capa1',
    template_id text,
    url text NOT NULL,
    thumbnail_url text,
    object_key text NOT NULL,
    thumbnail_key text NOT NULL,
    public boolean NOT NULL,
    uploaded boolean NOT NULL,
    hook_text text,
    safety_rating text NOT NULL,
    explicitness_level smallint NOT NULL,
    price_usd_micros bigint,
    lora_id text,
    image_hash text NOT NULL,
    source_sha256 text NOT NULL,
    verdict_decision text NOT NULL,
    verdict_sha256 text NOT NULL,
    meta_data jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    CONSTRAINT ck_content_pieces_content_type CHECK (content_type IN ('image', 'video')),
    CONSTRAINT ck_content_pieces_access_tier CHECK (access_tier IN ('capa1', 'capa2', 'capa3')),
    CONSTRAINT ck_content_pieces_safety_rating
        CHECK (safety_rating IN ('safe', 'suggestive', 'borderline', 'explicit')),
    CONSTRAINT ck_content_pieces_explicitness_level CHECK (explicitness_level BETWEEN 1 AND 10),
    CONSTRAINT ck_content_pieces_price CHECK (price_usd_micros >= 0),
    CONSTRAINT ck_content_pieces_url_is_no_data CHECK (url NOT LIKE 'data:%'),
    CONSTRAINT ck_content_pieces_verdict_allows
        CHECK (verdict_decision IN ('approved', 'skipped')),
    CONSTRAINT ck_content_pieces_verdict_names_source CHECK (verdict_sha256 = source_sha256),
    CONSTRAINT ck_content_pieces_skip_is_allowed CHECK (
        verdict_decision <> 'skipped' OR (access_tier = 'capa1' AND template_id IS NOT NULL)
    )
);
CREATE INDEX ix_content_pieces_avatar_id ON content_pieces (avatar_id);
CREATE INDEX ix_content_pieces_access_tier ON content_pieces (access_tier);
CREATE INDEX ix_content_pieces_safety_rating ON content_pieces (safety_rating);
CREATE INDEX ix_content_pieces_created_at ON content_pieces (created_at);
CREATE INDEX ix_content_pieces_avatar_id_created_at ON content_pieces (avatar_id, created_at);
"""

PIECES = """
CREATE TABLE pieces (
    id text CONSTRAINT pk_pieces PRIMARY KEY,
    tenant text NOT NULL,
    task_id text NOT NULL
        CONSTRAINT fk_pieces_task_id REFERENCES tasks (id) ON DELETE CASCADE,
    avatar_id text NOT NULL
        CONSTRAINT fk_pieces_avatar_id REFERENCES avatars (id) ON DELETE CASCADE,
    index integer NOT NULL,
    state text NOT NULL DEFAULT 'requested',
    reached smallint NOT NULL DEFAULT 0,
    current_run integer NOT NULL DEFAULT 1,
    reason text,
    detail text,
    brief jsonb NOT NULL,
    verdict_decision text,
    verdict_rating text,
    verdict_level smallint,
    verdict_tier text,
    verdict_sha256 text,
    verdict_judge text,
    verdict_policy text,
    verdict_reason text,
    image_sha256 text,
    held jsonb,
    content_id text
        CONSTRAINT fk_pieces_content_id REFERENCES content_pieces (id)
        DEFERRABLE INITIALLY DEFERRED,
    deadline_at timestamptz NOT NULL,
    begun_at timestamptz,
    progressed_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT uq_pieces_task_id_index UNIQUE (task_id, index),
    CONSTRAINT ck_pieces_state CHECK (state IN (
        'requested', 'generated', 'hooked', 'moderated',
        'persisted', 'rejected', 'failed', 'pending_review'
    )),
    CONSTRAINT ck_pieces_reached CHECK (reached BETWEEN 0 AND 4),
    CONSTRAINT ck_pieces_persisted_content
        CHECK ((state = 'persisted') = (content_id IS NOT NULL)),
    CONSTRAINT ck_pieces_own_content CHECK (content_id = id),
    CONSTRAINT ck_pieces_held CHECK ((state = 'pending_review') = (held IS NOT NULL)),
    CONSTRAINT ck_pieces_ended_at
        CHECK ((state IN ('persisted', 'rejected', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT ck_pieces_reason CHECK (state NOT IN ('rejected', 'failed') OR reason IS NOT NULL),
    CONSTRAINT ck_pieces_rejected_verdict
        CHECK (state <> 'rejected' OR verdict_decision IS NOT DISTINCT FROM 'rejected')
);
COMMENT ON COLUMN pieces.held IS 'the stored fact of a piece that waits for review';
COMMENT ON COLUMN pieces.begun_at IS 'when the first attempt was opened';
CREATE INDEX ix_pieces_avatar_id_created_at ON pieces (avatar_id, created_at);
CREATE INDEX ix_pieces_unsettled_task ON pieces (task_id)
    WHERE state IN ('requested', 'generated', 'hooked', 'moderated');
CREATE INDEX ix_pieces_unsettled_deadline ON pieces (deadline_at)
    WHERE state IN ('requested', 'generated', 'hooked', 'moderated');
CREATE INDEX ix_pieces_unsettled_progress ON pieces (progressed_at)
    WHERE state IN ('requested', 'generated', 'hooked', 'moderated');
"""

HISTORY = """
CREATE TABLE attempts (
    attempt_id text CONSTRAINT pk_attempts PRIMARY KEY,
    number integer NOT NULL,
    tenant text NOT NULL,
    task_id text NOT NULL,
    piece_id text NOT NULL,
    avatar_id text,
    run integer NOT NULL,
    provider text NOT NULL,
    holder text NOT NULL,
    outcome text NOT NULL DEFAULT 'open',
    error_code text,
    detail text,
    duration_ms bigint,
    cost_usd_micros bigint NOT NULL DEFAULT 0,
    call_id text,
    lease_until timestamptz NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    image jsonb,
    generation jsonb,
    CONSTRAINT uq_attempts_piece_id_number UNIQUE (piece_id, number),
    CONSTRAINT ck_attempts_outcome
        CHECK (outcome IN ('open', 'succeeded', 'failed', 'unknown')),
    CONSTRAINT ck_attempts_open_is_unsettled CHECK (outcome <> 'open' OR settled_at IS NULL),
    CONSTRAINT ck_attempts_settled_at
        CHECK (outcome NOT IN ('succeeded', 'failed') OR settled_at IS NOT NULL),
    CONSTRAINT ck_attempts_cost CHECK (cost_usd_micros >= 0)
);
CREATE INDEX ix_attempts_task_id ON attempts (task_id);
CREATE INDEX ix_attempts_avatar_id ON attempts (avatar_id);
CREATE UNIQUE INDEX ix_attempts_one_open_per_piece ON attempts (piece_id)
    WHERE outcome = 'open';

CREATE TABLE piece_events (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_piece_events PRIMARY KEY,
    tenant text NOT NULL,
    task_id text NOT NULL,
    piece_id text NOT NULL,
    avatar_id text NOT NULL,
    run integer NOT NULL,
    fact text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    detail jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT uq_piece_events_piece_id_run_fact UNIQUE (piece_id, run, fact)
);
CREATE INDEX ix_piece_events_task_id ON piece_events (task_id);
"""

OUTBOX = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    fact text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


def upgrade() -> None:
    """Create everything; content comes before the pieces that point to it."""
    for part in (KEYS, AVATARS, TASKS, CONTENT, PIECES, HISTORY, OUTBOX):
        for statement in part.split(";"):
            if statement.strip():
                op.execute(statement)
