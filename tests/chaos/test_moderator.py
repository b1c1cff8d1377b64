"""The faulty moderation service, seen through the product's own judge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.safety.adapters.openai_moderation import OpenAIJudge
from services.safety.domain.submission import Submission
from shared.outcomes import TryLater
from tests.chaos.moderation import IMAGE_TOO, KINDS, NOTHING, Fault, fault_of, kind_of
from tests.chaos.moderator import Moderator
from tests.chaos.pictures import picture

SEED = 3
LIMIT_S = 0.5


@asynccontextmanager
async def judge() -> AsyncIterator[OpenAIJudge]:
    moderator = Moderator(SEED, LIMIT_S)
    server = await asyncio.start_server(moderator.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    judge = OpenAIJudge.of(
        api_key="for-nobody",
        base_url=f"http://127.0.0.1:{port}/v1",
        model="omni-moderation-latest",
        timeout_s=LIMIT_S,
    )
    try:
        yield judge
    finally:
        await judge.close()
        server.close()


@pytest.mark.parametrize("label", [f"piece {number}" for number in range(30)])
async def test_sooner_or_later_an_image_gets_the_score_of_its_bytes_and_never_another(
    label: str,
) -> None:
    image = picture(512, 512, label)
    async with judge() as asked:
        for _ in range(5):
            try:
                report = await asked.judge(Submission(prompt=label, image=image))
            except TryLater:
                continue
            if report is not None and set(report.image_scores) == set(IMAGE_TOO):
                high = {name: each for name, each in report.image_scores.items() if each > NOTHING}
                assert high == KINDS[kind_of(image)]
                return
    raise AssertionError("five answers, none of them good")


def test_every_fault_occurs_and_none_lasts() -> None:
    met = {fault_of(SEED, str(number), 1) for number in range(500)}
    assert met == set(Fault)
    assert {fault_of(SEED, str(number), 4) for number in range(500)} == {Fault.NONE}


def test_images_of_every_kind_occur() -> None:
    assert {kind_of(picture(64, 64, str(number))) for number in range(200)} == set(KINDS)
