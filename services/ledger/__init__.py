"""Owns the database, answers for it, and alone ends pieces.

Consumes `content.stored`, `content.halted`, `attempt.settled` and the progress of every piece;
publishes `content.requested`, `content.persisted`, `content.rejected`, `content.failed`,
`delivery.withdrawn`, `review.approved` and `task.completed` through its outbox.
"""
