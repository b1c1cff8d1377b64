"""Templates over HTTP."""

import httpx2
import pytest

from tests.gateway.conftest import World

PATH = "/api/v1/content/templates"


async def test_templates_can_be_paged_through_completely(
    world: World, client: httpx2.AsyncClient
) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = (await client.get(PATH, params={"offset": offset, "limit": 25})).json()
        seen += [template["id"] for template in page["templates"]]
        offset = page["next_offset"]
    assert seen == [template.id for template in await world.door.library.all()]
    assert page["total"] == len(seen) >= 60


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [({"tier": "capa2"}, "tier", "capa2"), ({"category": "workout"}, "category", "workout")],
)
async def test_templates_can_be_filtered(
    client: httpx2.AsyncClient, query: dict[str, str], field: str, value: str
) -> None:
    page = (await client.get(PATH, params=query | {"limit": "200"})).json()
    assert page["templates"]
    assert {template[field] for template in page["templates"]} == {value}


async def test_templates_can_be_filtered_by_niche_and_everything_at_once(
    client: httpx2.AsyncClient,
) -> None:
    query = {"niche": "fitness", "tier": "capa1", "category": "workout"}
    page = (await client.get(PATH, params=query)).json()
    assert page["templates"]
    assert all("fitness" in template["niches"] for template in page["templates"])
    nothing = (await client.get(PATH, params={"niche": "accounting"})).json()
    assert (nothing["templates"], nothing["total"], nothing["next_offset"]) == ([], 0, None)


async def test_a_template_is_shown_whole(world: World, client: httpx2.AsyncClient) -> None:
    template = (await world.door.library.all())[0]
    shown = (await client.get(f"{PATH}/{template.id}")).json()
    assert shown["prompt"] == template.prompt
    assert shown["orientation"] == template.orientation
    assert (await client.get(f"{PATH}/none")).json()["code"] == "template_not_found"


async def test_templates_are_cached_for_an_hour_and_asked_for_by_version(
    world: World, client: httpx2.AsyncClient
) -> None:
    template = (await world.door.library.all())[0]
    for path in (PATH, f"{PATH}/{template.id}"):
        answer = await client.get(path)
        etag = answer.headers["etag"]
        assert "max-age=3600" in answer.headers["cache-control"]
        assert etag.startswith('"')
        for held in (etag, f"W/{etag}", f'"old", {etag}', "*"):
            again = await client.get(path, headers={"If-None-Match": held})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
        other = await client.get(path, headers={"If-None-Match": '"old"'})
        assert other.status_code == 200
