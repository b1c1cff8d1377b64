"""Totals, from rows and nothing else."""

import pytest

from shared.calls import AvatarRef, Nothing
from shared.content import Rating, Tier
from shared.problems import Problem
from tests.builders import attempt_settled, content_halted, verdict
from tests.ledger.books import TENANT, Books, stored, whose


async def test_stats_add_up(books: Books) -> None:
    avatar = await books.avatar()
    first, second, failed = await books.accepted(3, avatar=avatar)
    for piece, cost in ((first, 10_000), (second, 20_001), (failed, 5)):
        answer = await books.open_attempt(piece)
        await books.calls.settle(
            attempt_settled(
                task_id=piece.task_id,
                piece_id=piece.piece_id,
                attempt_id=answer.attempt_id,
                outcome="failed" if piece is failed else "succeeded",
                duration_ms=1000,
                cost_usd_micros=cost,
            )
        )
    await books.endings.deliver(stored(first))
    raised = verdict(tier=Tier.CAPA2, rating=Rating.SUGGESTIVE)
    await books.endings.deliver(stored(second, verdict=raised))
    await books.endings.halt(content_halted(**whose(failed)))
    stats = await books.reports.stats(AvatarRef(tenant=TENANT, avatar_id=avatar.id))
    assert stats.total_pieces == 2
    assert stats.tiers == {"capa1": 1, "capa2": 1}
    assert stats.ratings == {"safe": 1, "suggestive": 1}
    assert stats.states == {"persisted": 2, "failed": 1}
    assert (stats.total_cost_usd_micros, stats.average_cost_usd_micros) == (30_006, 15_003)
    assert (stats.total_generation_time_ms, stats.average_generation_time_ms) == (2000, 1000)
    assert stats.first_at is not None
    assert stats.last_at is not None
    assert stats.first_at < stats.last_at


async def test_an_avatar_without_pieces_has_empty_stats(books: Books) -> None:
    avatar = await books.avatar()
    await books.accepted(2)
    stats = await books.reports.stats(AvatarRef(tenant=TENANT, avatar_id=avatar.id))
    assert (stats.total_pieces, stats.states, stats.total_cost_usd_micros) == (0, {}, 0)


async def test_an_unknown_avatar_has_no_stats(books: Books) -> None:
    avatar = await books.avatar()
    with pytest.raises(Problem, match="avatar_not_found"):
        await books.reports.stats(AvatarRef(tenant="other", avatar_id=avatar.id))


async def test_health_tells_what_there_is_and_what_waits(books: Books) -> None:
    first, _ = await books.accepted(2)
    await books.endings.deliver(stored(first))
    health = await books.reports.health(Nothing())
    assert (health.avatars, health.pieces, health.tasks_open) == (1, 1, 1)
    assert health.outbox_waiting == 3
    assert (health.pool_size, health.pool_in_use) == (15, 0)
