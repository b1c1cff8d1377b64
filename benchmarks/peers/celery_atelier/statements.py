"""Statements on the ledger's own tables; every write is conditional."""

EVENT = """
INSERT INTO piece_events (tenant, task_id, piece_id, avatar_id, run, fact, detail)
VALUES ('default', %s, %s, %s, 1, %s, %s) ON CONFLICT DO NOTHING
"""
OPEN_ATTEMPT = """
INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, avatar_id, run, provider,
                      holder, lease_until)
SELECT %(attempt)s, coalesce(max(number), 0) + 1, 'default', %(task)s, %(piece)s, %(avatar)s, 1,
       'modal_sdxl_lora', 'celery', clock_timestamp() + interval '305 s'
FROM attempts WHERE piece_id = %(piece)s
"""
SETTLE_ATTEMPT = """
UPDATE attempts SET outcome = 'succeeded', duration_ms = 0, cost_usd_micros = 10000,
       settled_at = clock_timestamp(), image = %s, generation = %s
WHERE attempt_id = %s AND settled_at IS NULL
"""
MOVE = """
UPDATE pieces SET state = %s, reached = %s, progressed_at = clock_timestamp()
WHERE id = %s AND reached < %s AND ended_at IS NULL
"""
CONTENT = """
INSERT INTO content_pieces (id, tenant, avatar_id, task_id, access_tier, template_id, url,
    object_key, thumbnail_key, public, uploaded, hook_text, safety_rating, explicitness_level,
    lora_id, image_hash, source_sha256, verdict_decision, verdict_sha256, meta_data)
VALUES (%(id)s, 'default', %(avatar)s, %(task)s, %(tier)s, %(template)s, %(url)s, %(key)s,
    %(thumbnail)s, true, true, %(hook)s, %(rating)s, %(level)s, %(lora)s, %(delivered)s,
    %(judged)s, 'approved', %(judged)s, %(meta)s)
ON CONFLICT DO NOTHING
"""
END = """
UPDATE pieces SET state = 'persisted', reached = 4, content_id = id, image_sha256 = %(sha256)s,
    verdict_decision = %(decision)s, verdict_rating = %(rating)s, verdict_level = %(level)s,
    verdict_tier = %(tier)s, verdict_sha256 = %(sha256)s, verdict_judge = %(judge)s,
    verdict_policy = %(policy)s, verdict_reason = %(reason)s, verdict = %(verdict)s,
    progressed_at = clock_timestamp(), ended_at = clock_timestamp()
WHERE id = %(piece)s AND ended_at IS NULL
"""
TAKEN_DOWN = """
SELECT EXISTS (
    SELECT FROM blocked_images WHERE tenant = 'default' AND (
        sha256 = %(sha256)s
        OR bit_count(image_print # CAST('x' || %(print)s AS bit(64))) <= %(bits)s
    )
)
"""
REJECT = """
UPDATE pieces SET state = 'rejected', reason = 'moderation_rejected',
    verdict_decision = 'rejected', ended_at = clock_timestamp() WHERE id = %s AND ended_at IS NULL
"""
COMPLETE = """
UPDATE tasks SET state = 'completed', completed_at = clock_timestamp()
WHERE id = %(task)s AND completed_at IS NULL
  AND NOT EXISTS (SELECT FROM pieces WHERE task_id = %(task)s AND ended_at IS NULL)
"""
