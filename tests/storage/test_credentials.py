"""Content credentials: what they say, that they hold, and that they hold for nothing else."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image

from services.storage.adapters.credentials import C2paCredentials
from services.storage.adapters.credentials.certificates import identity_of
from services.storage.domain import DeliveryFormat
from services.storage.ports import Encoded
from shared.outcomes import TryLater
from tests.storage.certificates import ORGANISATION, chain
from tests.storage.signed_files import copies, development, of_operator, provenance, signed_file

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
BOTH = ("C2PA_CERTIFICATE_FILE", "C2PA_PRIVATE_KEY_FILE")


def read(data: bytes, media_type: str) -> dict[str, Any]:
    """As anybody's reader would, with nothing of ours."""
    with c2pa.Reader(media_type, io.BytesIO(data)) as reader:
        store: dict[str, Any] = json.loads(reader.json())
    return store


def manifest(store: dict[str, Any]) -> dict[str, Any]:
    active: dict[str, Any] = store["manifests"][store["active_manifest"]]
    return active


def assertion(store: dict[str, Any], label: str) -> dict[str, Any]:
    (found,) = (each for each in manifest(store)["assertions"] if each["label"] == label)
    data: dict[str, Any] = found["data"]
    return data


def failures(store: dict[str, Any]) -> set[str]:
    return {each["code"] for each in store["validation_results"]["activeManifest"]["failure"]}


@pytest.mark.parametrize("wanted", DeliveryFormat)
async def test_any_reader_finds_a_signed_file_valid_but_for_trust(
    wanted: DeliveryFormat, tmp_path: Path
) -> None:
    derived = await copies(wanted)
    credentials = of_operator(chain(), tmp_path)
    for copy in (derived.image, derived.thumbnail):
        store = read(credentials.sign(copy, provenance()), copy.media_type)
        assert store["validation_state"] == "Valid"
        assert failures(store) == {"signingCredential.untrusted"}
        assert manifest(store)["signature_info"]["issuer"] == ORGANISATION


async def test_the_manifest_says_what_is_known_of_how_it_was_made(tmp_path: Path) -> None:
    store = read(await signed_file(of_operator(chain(), tmp_path)), "image/jpeg")
    assert manifest(store)["claim_generator_info"][0]["name"] == "Atelier"
    (action,) = assertion(store, "c2pa.actions.v2")["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == TRAINED
    assert action["softwareAgent"]["name"] == "sdxl-base-1.0"
    told = assertion(store, "atelier.generation")
    assert told["piece_id"] == "piece-1"
    assert told["lora"] == {"key_sha256": "a" * 64, "file_sha256": None, "scale": 0.9}
    assert told["source_sha256"] == "5" * 64
    assert told["ordered_at"].startswith("2026-11-01T12:00:00")
    assert told["generation_time_ms"] == 8200
    assert told["signed_at"]
    assert told["development"] is False


async def test_a_development_signature_says_so_in_the_manifest_and_the_certificate(
    tmp_path: Path,
) -> None:
    store = read(await signed_file(development(tmp_path)), "image/jpeg")
    assert assertion(store, "atelier.generation")["development"] is True
    assert manifest(store)["signature_info"]["issuer"] == "Atelier development"
    assert "not trusted" in manifest(store)["signature_info"]["common_name"]


async def test_pixels_and_metadata_are_as_before_and_no_thumbnail_is_inside(
    tmp_path: Path,
) -> None:
    copy = (await copies()).image
    signed = development(tmp_path).sign(copy, provenance())
    with Image.open(io.BytesIO(copy.data)) as old, Image.open(io.BytesIO(signed)) as new:
        assert old.tobytes() == new.tobytes()
        assert new.info["xmp"] == old.info["xmp"]
    assert "thumbnail" not in manifest(read(signed, "image/jpeg"))
    assert len(signed) - len(copy.data) < 8192


@pytest.mark.parametrize("wanted", DeliveryFormat)
async def test_what_was_signed_is_read_back(wanted: DeliveryFormat, tmp_path: Path) -> None:
    credentials = development(tmp_path)
    copy = (await copies(wanted)).image
    told = await credentials.read(credentials.sign(copy, provenance()), copy.media_type)
    assert told is not None
    assert told.is_of_same_source(provenance())
    assert told.development


def stripped(signed: bytes, plain: bytes) -> bytes:
    return plain


def changed(signed: bytes, plain: bytes) -> bytes:
    return signed[:-40] + bytes([signed[-40] ^ 1]) + signed[-39:]


def grown(signed: bytes, plain: bytes) -> bytes:
    return signed + b"\0"


def cut(signed: bytes, plain: bytes) -> bytes:
    return signed[: len(signed) // 2]


def cut_inside_the_manifest(signed: bytes, plain: bytes) -> bytes:
    return signed[:1500]


@pytest.mark.parametrize("spoil", [stripped, changed, grown, cut, cut_inside_the_manifest])
@pytest.mark.parametrize("wanted", DeliveryFormat)
async def test_a_file_that_was_tampered_with_tells_nothing(
    spoil: Any, wanted: DeliveryFormat, tmp_path: Path
) -> None:
    credentials = development(tmp_path)
    copy = (await copies(wanted)).image
    signed = credentials.sign(copy, provenance())
    assert await credentials.read(spoil(signed, copy.data), copy.media_type) is None


async def test_files_of_others_tell_nothing_of_ours(tmp_path: Path) -> None:
    signer = c2pa.Signer.from_info(
        c2pa.C2paSignerInfo("es256", (made := chain()).chain, made.key, None)
    )
    out = io.BytesIO()
    created = {"actions": [{"action": "c2pa.created", "digitalSourceType": TRAINED}]}
    definition = {
        "claim_generator_info": [{"name": "Another"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": created}],
    }
    with c2pa.Builder(definition) as builder:
        builder.sign(signer, "image/jpeg", io.BytesIO((await copies()).image.data), out)
    assert await development(tmp_path).read(out.getvalue(), "image/jpeg") is None


async def test_many_are_signed_at_a_time_from_several_threads(tmp_path: Path) -> None:
    credentials, copy = development(tmp_path), (await copies()).image
    names = [f"piece-{number}" for number in range(40)]
    files = await asyncio.gather(
        *(asyncio.to_thread(credentials.sign, copy, provenance(piece_id=name)) for name in names)
    )
    told = [await credentials.read(data, copy.media_type) for data in files]
    assert [each.piece_id for each in told if each is not None] == names
    assert len(set(files)) == len(files)


async def test_nothing_is_signed_with_a_certificate_that_has_expired_meanwhile(
    tmp_path: Path,
) -> None:
    made = chain(days=(-2, 1))
    valid = identity_of(made.chain, made.key, settings=BOTH)
    gone = type(valid)(valid.chain_pem, valid.key_pem, valid.not_after.replace(year=2020))
    with pytest.raises(TryLater, match="C2PA_CERTIFICATE_FILE has expired"):
        await signed_file(C2paCredentials(gone))


async def test_a_time_stamp_authority_that_is_away_makes_the_piece_wait(tmp_path: Path) -> None:
    credentials = of_operator(chain(), tmp_path, tsa_url="http://127.0.0.1:9")
    with pytest.raises(TryLater, match="C2PA_TSA_URL"):
        await signed_file(credentials)


async def test_a_key_is_never_shown(tmp_path: Path) -> None:
    made = chain()
    identity = identity_of(made.chain, made.key, settings=BOTH)
    secret = made.key.decode().splitlines()[1]
    assert secret not in repr(identity)
    assert secret not in repr(of_operator(made, tmp_path))


async def test_what_is_not_an_image_is_not_signed(tmp_path: Path) -> None:
    broken = Encoded(b"\xff\xd8 no jpeg", "image/jpeg", "jpg", 1, 1)
    with pytest.raises(Exception, match="C2pa"):
        development(tmp_path).sign(broken, provenance())
