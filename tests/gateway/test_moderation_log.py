"""Administrators see what was done for the sake of safety."""

from typing import Any

import httpx2
import pytest

from tests.gateway.conftest import World

PATH = "/api/v1/moderation/actions"


async def test_actions_come_in_pages_the_newest_first(
    world: World, client: httpx2.AsyncClient
) -> None:
    for number in range(25):
        world.backend.note("take_down", piece_id=f"p{number}")
    world.backend.note("take_down", piece_id="theirs", tenant="other")
    first = (await client.get(PATH)).json()
    second = (await client.get(PATH, params={"cursor": first["next_cursor"]})).json()
    listed = [action["piece_id"] for action in first["actions"] + second["actions"]]
    assert listed == [f"p{number}" for number in reversed(range(25))]
    assert (len(first["actions"]), second["next_cursor"]) == (20, None)


async def test_an_action_says_who_did_what_and_why(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.note("unfreeze", by="k9", reason="a false alarm", causes=("p", "q"))
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    (action,) = answer.json()["actions"]
    assert action == {
        "action": "unfreeze",
        "avatar_id": "ada",
        "piece_id": None,
        "by": "k9",
        "reason": "a false alarm",
        "at": action["at"],
        "causes": ["p", "q"],
    }


async def test_actions_can_be_chosen(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.note("freeze", by="system", piece_id="p")
    world.backend.note("take_down", avatar_id="eve", piece_id="q")

    async def chosen(**query: Any) -> list[str]:
        answer = await client.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        return [action["action"] for action in answer.json()["actions"]]

    assert await chosen(avatar_id="eve") == ["take_down"]
    assert await chosen(piece_id="p") == ["freeze"]
    assert await chosen(action="freeze") == ["freeze"]
    assert await chosen(action="unfreeze") == []


@pytest.mark.parametrize(
    "query", ["action=smile", "limit=0", "limit=101", "cursor=%00", "avatar_id=a.b", "piece_id=a b"]
)
async def test_odd_filters_are_refused(client: httpx2.AsyncClient, query: str) -> None:
    answer = await client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, query.partition("=")[0])
