"""A batch goes the whole way, and leaves exactly what it should."""

import hashlib
import os
import re

import httpx2

from tests.audit.credentials import Credentials, credentials_in
from tests.e2e.system import System
from tests.eventually import eventually

FACTS = {
    "content.requested": "CONTENT_REQUESTED",
    "image.generated": "IMAGE_GENERATED",
    "content.hooked": "CONTENT_HOOKED",
    "content.moderated": "CONTENT_MODERATED",
    "content.stored": "CONTENT_STORED",
    "content.persisted": "CONTENT_PERSISTED",
}
HALVES = {"capa1_ratio": 0.5, "capa2_ratio": 0.3, "capa3_ratio": 0.2}


async def test_every_piece_of_a_batch_is_drawn_captioned_judged_stored_and_recorded(
    atelier: System,
) -> None:
    task_id = atelier.order(atelier.avatar(), 10, tier_distribution=HALVES)
    task = atelier.finished(task_id)
    assert task["state"] == "completed"
    assert task["progress"] == 100
    assert task["counts"]["persisted"] == 10
    pieces = task["result"]["content_pieces"]
    assert [piece["access_tier"] for piece in pieces].count("capa1") == 5
    for piece in pieces:
        assert piece["hook_text"]
        assert piece["safety_rating"] == "safe"
        assert piece["metadata"]["provider"] == "preview"
        assert piece["metadata"]["preview"] is True
        assert len(piece["metadata"]["hooks"]) == 5


async def test_each_of_the_six_facts_is_written_once_for_each_piece(atelier: System) -> None:
    task_id = atelier.order(atelier.avatar(), 4)
    atelier.finished(task_id)

    async def persisted() -> bool:
        written = await atelier.subjects("CONTENT_PERSISTED")
        return sum(task_id in subject for subject in written) == 4

    await eventually(persisted, 60)
    for fact, stream in FACTS.items():
        written = {s: n for s, n in (await atelier.subjects(stream)).items() if task_id in s}
        assert len(written) == 4, fact
        assert set(written.values()) == {1}, fact
        assert all(subject.startswith(f"{fact}.") for subject in written)
        assert all(".default." in subject for subject in written)


async def test_delivered_files_are_signed_copies_of_the_judged_bytes_and_can_be_fetched(
    atelier: System,
) -> None:
    task = atelier.finished(atelier.order(atelier.avatar(), 5, tier_distribution=HALVES))
    rows = await atelier.rows(
        "select id, image_hash, source_sha256, verdict_sha256, verdict_decision from content_pieces"
        " where task_id = $1",
        task["task_id"],
    )
    recorded = {str(row["id"]): row for row in rows}
    for piece in task["result"]["content_pieces"]:
        answer = httpx2.get(piece["url"], trust_env=False)
        digest = hashlib.sha256(answer.content).hexdigest()
        assert answer.headers["content-type"] == "image/jpeg"
        row = recorded[piece["id"]]
        assert digest == row["image_hash"] != row["verdict_sha256"]
        assert row["source_sha256"] == row["verdict_sha256"]
        assert row["verdict_decision"] == "approved"
        thumbnail = httpx2.get(piece["thumbnail_url"], trust_env=False)
        assert thumbnail.headers["content-type"] == "image/jpeg"
        judged = Credentials(piece["id"], row["verdict_sha256"], intact=True)
        assert [credentials_in(each.content) for each in (answer, thumbnail)] == [judged] * 2


async def test_private_tiers_open_by_their_signed_link_only(atelier: System) -> None:
    only_capa2 = {"capa1_ratio": 0, "capa2_ratio": 1, "capa3_ratio": 0}
    task = atelier.finished(atelier.order(atelier.avatar(), 1, tier_distribution=only_capa2))
    url = task["result"]["content_pieces"][0]["url"]
    bare = url.split("?")[0]
    assert httpx2.get(url, trust_env=False).status_code == 200
    assert httpx2.get(bare, trust_env=False).status_code in {401, 403, 404}
    forged = re.sub(r"signature=.{4}", "signature=0000", url)
    assert httpx2.get(forged, trust_env=False).status_code in {401, 403, 404}


async def test_staging_is_empty_when_the_batch_is_over_and_nobody_could_read_it(
    atelier: System,
) -> None:
    atelier.finished(atelier.order(atelier.avatar(), 3))

    async def staging_is_empty() -> bool:
        return not await atelier.subjects("BLOB_staging")

    await eventually(staging_is_empty, 60)


async def test_the_timeline_of_a_piece_tells_every_step_and_every_attempt(
    atelier: System,
) -> None:
    task = atelier.finished(atelier.order(atelier.avatar(), 1))
    piece_id = task["result"]["content_pieces"][0]["id"]

    async def told() -> bool:
        detail = atelier.client.get(f"/content/pieces/{piece_id}").json()
        return set(FACTS) <= {entry["fact"] for entry in detail["timeline"]}

    await eventually(told, 60)
    detail = atelier.client.get(f"/content/pieces/{piece_id}").json()
    assert [attempt["outcome"] for attempt in detail["attempts"]] == ["succeeded"]


async def test_one_avatars_face_is_never_on_anothers_picture(atelier: System) -> None:
    """Two batches side by side: every object lies under the avatar that ordered it."""
    avatars = [atelier.avatar(name=name) for name in ("Ada", "Grace")]
    tasks = [atelier.order(avatar, 4) for avatar in avatars]
    for avatar, task_id in zip(avatars, tasks, strict=True):
        for piece in atelier.finished(task_id)["result"]["content_pieces"]:
            assert piece["avatar_id"] == avatar
            assert f"/content/{avatar}/" in piece["url"]


async def test_steps_the_order_turned_off_are_passed_through_as_skipped(atelier: System) -> None:
    task = atelier.finished(atelier.order(atelier.avatar(), 1, include_hooks=False))
    (piece,) = task["result"]["content_pieces"]
    assert piece["hook_text"] is None
    assert piece["metadata"]["hooks"] == []


async def test_a_deleted_avatar_takes_its_objects_along(atelier: System) -> None:
    avatar = atelier.avatar()
    task = atelier.finished(atelier.order(avatar, 2))
    urls = [piece["url"] for piece in task["result"]["content_pieces"]]
    assert atelier.client.delete(f"/avatars/{avatar}").status_code in {200, 204}
    objects = atelier.data / "objects"

    async def gone() -> bool:
        # A walk passes over folders that are deleted meanwhile.
        return not any(names for at, _, names in os.walk(objects) if avatar in at)

    await eventually(gone, 60)
    assert all(httpx2.get(url, trust_env=False).status_code == 404 for url in urls)


async def test_a_single_piece_is_answered_within_the_call(atelier: System) -> None:
    answer = atelier.client.post(
        "/content/generate",
        json={
            "avatar_id": atelier.avatar(),
            "custom_prompt": "reading by a window",
            "platform": "x",
            "tier": "capa1",
        },
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["url"].startswith(atelier.endpoint["url"])
