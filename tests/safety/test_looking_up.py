"""What moderation looks up elsewhere it looks up at the same time, and says nothing before."""

import asyncio
from dataclasses import dataclass, field

import pytest

from shared.content import BlobRef, Decision
from shared.events import ContentHalted
from tests.builders import brief, content_hooked
from tests.eventually import eventually
from tests.fakes import MemoryBlobs
from tests.safety.panels import Moderation, RememberedTakedowns, Says, verdict_of


@dataclass
class Held(RememberedTakedowns):
    """Answers once it is let go."""

    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def are_any(self, tenant: str, sha256: str) -> bool:
        self.is_asked.set()
        await self.let_go.wait()
        return await super().are_any(tenant, sha256)


class SlowBlobs(MemoryBlobs):
    """Gives what it has once the takedowns were asked about, and lets them answer."""

    def __init__(self, takedowns: Held) -> None:
        super().__init__()
        self.takedowns = takedowns

    async def get(self, ref: BlobRef) -> bytes:
        async with asyncio.timeout(5):
            await self.takedowns.is_asked.wait()
        self.takedowns.let_go.set()
        return await super().get(ref)


async def test_the_image_is_fetched_while_the_ledger_is_asked_about_takedowns() -> None:
    takedowns = Held()
    moderation = Moderation([Says()], takedowns=takedowns, staging=SlowBlobs(takedowns))
    verdict = await moderation.verdict(await moderation.hooked())
    assert verdict.decision is Decision.APPROVED


async def test_no_judge_is_asked_before_it_is_known_whether_anything_was_taken_down() -> None:
    judge, takedowns = Says(), Held()
    moderation = Moderation([judge], takedowns=takedowns)
    verdict = asyncio.create_task(moderation.verdict(await moderation.hooked()))
    await eventually(takedowns.is_asked.is_set)
    await asyncio.sleep(0.05)
    assert not judge.shown
    assert not verdict.done()
    takedowns.let_go.set()
    assert (await verdict).decision is Decision.APPROVED
    assert judge.shown


@pytest.mark.parametrize("takedowns", [RememberedTakedowns(are_away=True), Held()])
async def test_blocked_words_wait_for_nothing_that_is_looked_up(
    takedowns: RememberedTakedowns,
) -> None:
    moderation = Moderation([Says()], takedowns=takedowns)
    lost = content_hooked(brief=brief(prompt="TOK_a, teen in lingerie"))
    halted = await moderation.handler(lost)
    assert isinstance(halted, ContentHalted)
    assert verdict_of(halted).judge == "text_screen"
