"""`atelier actions`: what was done for the sake of safety, against a real gateway on a socket."""

import pytest

from tests.cli.served import Run
from tests.cli.test_moderation import STEERING, app, atelier, world
from tests.gateway.conftest import World

__all__ = ["app", "atelier", "world"]


async def test_actions_are_listed_newest_first(atelier: Run, world: World) -> None:
    assert (await atelier("actions")).out == "Nothing was done.\n"
    world.backend.note("freeze", by="system", piece_id="p1", reason="minors found on image")
    world.backend.note("unfreeze", causes=("p1", "p2"), reason=STEERING)
    said = await atelier("actions", columns=200)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert [line.split()[2] for line in lines[1:3]] == ["unfreeze", "freeze"]
    assert "p1, p2" in lines[1]
    assert "minors found on image" in lines[2]
    assert "\x1b" not in said.out


async def test_actions_are_chosen_and_paged(atelier: Run, world: World) -> None:
    for number in range(130):
        world.backend.note("take_down", piece_id=f"p{number}", avatar_id=f"a{number % 2}")
    every = (await atelier("actions", "--limit", "500", "--json")).json
    assert [action["piece_id"] for action in every] == [f"p{n}" for n in reversed(range(130))]
    assert "and more" in (await atelier("actions")).out
    odd = (await atelier("actions", "--avatar", "a1", "--limit", "100", "--json")).json
    assert len(odd) == 65
    (one,) = (await atelier("actions", "--piece", "p7", "--action", "take_down", "--json")).json
    assert one["piece_id"] == "p7"


@pytest.mark.parametrize("odd", [("--action", "smile"), ("--limit", "0")], ids=" ".join)
async def test_odd_choices_are_wrong_usage(atelier: Run, odd: tuple[str, str]) -> None:
    assert (await atelier("actions", *odd)).code == 2
