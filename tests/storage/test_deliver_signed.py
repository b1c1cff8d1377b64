"""From judged bytes to files in a directory that anybody's reader finds valid."""

import io
import json
import threading
from pathlib import Path
from typing import Any

import c2pa
import pytest

from services.storage.adapters.credentials import C2paCredentials
from services.storage.adapters.local_directory import LocalDirectory
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.handler.deliver import StoreContent
from services.storage.ports import Area, Encoded
from shared.content import Tier
from shared.events import ContentModerated
from shared.provenance import Provenance
from tests.builders import brief, content_moderated, verdict
from tests.fakes import MemoryBlobs
from tests.storage.certificates import chain
from tests.storage.pictures import CANARY, chatty_png
from tests.storage.signed_files import development, of_operator
from tests.storage.test_deliver import SECRET
from tests.verdict_keys import KEYS


class Shop:
    """Storage over a directory, with whoever signs today."""

    def __init__(self, root: Path) -> None:
        self.staging = MemoryBlobs()
        self.root = root / "objects"
        self.directory = LocalDirectory(self.root, base_url="http://h", signing_key=SECRET)
        self.directory.open()

    def store(self, credentials: C2paCredentials) -> StoreContent:
        return StoreContent(
            *(self.staging, self.directory, PillowImaging(), credentials),
            *(SECRET, (Tier.CAPA1,), KEYS),
        )

    async def moderated(self) -> ContentModerated:
        image = await self.staging.put("p/1", chatty_png(), media_type="image/png")
        found = verdict(image_sha256=image.sha256)
        return content_moderated(verdict=found, image=image, brief=brief(prompt=CANARY.decode()))

    def read(self, key: str, area: Area = Area.PUBLIC) -> bytes:
        return (self.root / area / key).read_bytes()


def store_in(data: bytes) -> dict[str, Any]:
    with c2pa.Reader("image/jpeg", io.BytesIO(data)) as reader:
        found: dict[str, Any] = json.loads(reader.json())
    return found


async def test_every_public_file_is_signed_and_names_the_judged_bytes(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    event = await shop.moderated()
    delivery = (await shop.store(development(tmp_path))(event)).delivery
    files = [path for path in (shop.root / Area.PUBLIC).rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        found = store_in(path.read_bytes())
        assert found["validation_state"] == "Valid"
        (told,) = (
            each["data"]
            for each in found["manifests"][found["active_manifest"]]["assertions"]
            if each["label"] == "atelier.generation"
        )
        assert told["source_sha256"] == event.image.sha256 == delivery.source_sha256
        assert told["piece_id"] == event.piece_id
        assert CANARY not in path.read_bytes()


async def test_both_files_are_signed_by_one_thread_away_from_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, credentials, threads = Shop(tmp_path), development(tmp_path), list[int]()
    sign = credentials.sign

    def noted(image: Encoded, provenance: Provenance) -> bytes:
        threads.append(threading.get_ident())
        return sign(image, provenance)

    monkeypatch.setattr(credentials, "sign", noted)
    await shop.store(credentials)(await shop.moderated())
    one, two = threads
    assert one == two != threading.get_ident()


async def test_a_redelivery_under_another_certificate_adopts_the_file_of_the_first(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path)
    event = await shop.moderated()
    first = await shop.store(development(tmp_path))(event)
    data = shop.read(first.delivery.object_key)
    second = await shop.store(of_operator(chain(), tmp_path))(event)
    assert second == first
    assert shop.read(second.delivery.object_key) == data


async def test_a_file_that_was_spoilt_under_its_key_is_not_adopted(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    event = await shop.moderated()
    store = shop.store(development(tmp_path))
    delivery = (await store(event)).delivery
    path = shop.root / Area.PUBLIC / delivery.object_key
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(Exception, match="object_exists"):
        await store(event)
