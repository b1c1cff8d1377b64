"""`atelier verify`: what a file's credentials say, and whether they hold."""

import asyncio
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import c2pa
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.main import app
from cli.verify_reading import MOST_BYTES
from services.storage.domain import DeliveryFormat
from shared.provenance import AppliedLora
from tests.cli.in_process import Said
from tests.storage.certificates import ORGANISATION, chain
from tests.storage.signed_files import copies, development, of_operator, signed_file

EXTENSIONS = {
    DeliveryFormat.JPEG: "jpg",
    DeliveryFormat.WEBP: "webp",
    DeliveryFormat.ORIGINAL: "png",
}


def run(*arguments: str | Path) -> Said:
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)], env={"COLUMNS": "200"})
    return Said(result.exit_code, result.stdout, result.stderr)


def delivered(
    directory: Path, wanted: DeliveryFormat = DeliveryFormat.JPEG, **news: object
) -> Path:
    """A file with development credentials."""
    path = directory / f"piece.{EXTENSIONS[wanted]}"
    path.write_bytes(asyncio.run(signed_file(development(directory), wanted, **news)))
    return path


@pytest.mark.parametrize("wanted", DeliveryFormat)
def test_an_intact_file_says_how_it_came_to_be(wanted: DeliveryFormat, tmp_path: Path) -> None:
    said = run(delivered(tmp_path, wanted))
    assert (said.code, said.err) == (0, "")
    for told in (
        *("intact", "piece-1, run 1", "sdxl-base-1.0", "at 0.9", "a" * 64),
        *("2026-11-01 12:00:00 UTC", "generated in 8.2 s", "trainedAlgorithmicMedia"),
        *("development certificate", "nobody vouches"),
    ):
        assert told in said.out, told


def test_machines_are_told_the_same(tmp_path: Path) -> None:
    said = run(delivered(tmp_path), "--json")
    assert said.code == 0
    assert said.json["state"] == "intact"
    assert said.json["faults"] == []
    assert said.json["claim_generator"] == "Atelier"
    assert said.json["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert said.json["signer"]["development"] is True
    assert said.json["provenance"]["piece_id"] == "piece-1"
    assert said.json["provenance"]["lora"] == {
        "key_sha256": "a" * 64,
        "file_sha256": None,
        "scale": 0.9,
    }


def test_a_placeholder_is_told_as_such(tmp_path: Path) -> None:
    assert "no model has made" in run(delivered(tmp_path, preview=True)).out
    assert "no model has made" not in run(delivered(tmp_path, preview=False)).out


def test_the_weights_themselves_are_told_by_their_hash(tmp_path: Path) -> None:
    lora = AppliedLora(key_sha256="a" * 64, file_sha256="f" * 64, scale=0.9)
    said = run(delivered(tmp_path, lora=lora))
    assert f"at 0.9, sha256 {'f' * 64}" in said.out
    assert "a" * 64 not in said.out


def test_where_only_the_key_of_the_weights_is_known_it_is_told_as_that(tmp_path: Path) -> None:
    assert f"of its key in the bucket (not of the file) {'a' * 64}" in run(delivered(tmp_path)).out


def test_a_file_without_a_lora_says_so(tmp_path: Path) -> None:
    assert "LoRA          none" in run(delivered(tmp_path, lora=None)).out


def changed_pixels(data: bytes) -> bytes:
    return data[:-60] + bytes([data[-60] ^ 0x40]) + data[-59:]


def grown(data: bytes) -> bytes:
    return data + b"behind the end"


def cut(data: bytes) -> bytes:
    return data[: len(data) - 200]


def cut_inside_the_manifest(data: bytes) -> bytes:
    return data[:1500]


def manifest_of_another(data: bytes) -> bytes:
    """The segments of the manifest, moved into a file with other pixels."""
    pixels = io.BytesIO()
    Image.new("RGB", (320, 240), "crimson").save(pixels, "JPEG")
    segments, at = [], 2
    while data[at + 1] != 0xDA:
        length = 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] == 0xEB:
            segments.append(data[at : at + length])
        at += length
    assert segments
    return b"".join((data[:2], *segments, pixels.getvalue()[2:]))


def other_metadata(data: bytes) -> bytes:
    assert b"trainedAlgorithmicMedia</" in data
    return data.replace(b"trainedAlgorithmicMedia</", b"digitalCapture_________</", 1)


def another_piece(data: bytes) -> bytes:
    assert data.count(b"piece-1") > 1
    return data.replace(b"piece-1", b"piece-2")


@pytest.mark.parametrize(
    "spoil",
    [
        *(changed_pixels, grown, cut, cut_inside_the_manifest),
        *(manifest_of_another, other_metadata, another_piece),
    ],
)
def test_a_file_that_was_tampered_with_is_told(
    spoil: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = delivered(tmp_path)
    path.write_bytes(spoil(path.read_bytes()))
    said, machines = run(path), run(path, "--json")
    assert (said.code, machines.code) == (1, 1)
    assert "altered" in said.out
    assert "intact" not in said.out
    assert machines.json["state"] == "altered"
    assert machines.json["faults"]


def test_faults_are_told_by_their_codes(tmp_path: Path) -> None:
    path = delivered(tmp_path)
    path.write_bytes(changed_pixels(path.read_bytes()))
    assert run(path, "--json").json["faults"] == ["assertion.dataHash.mismatch"]


@pytest.mark.parametrize("wanted", [DeliveryFormat.WEBP, DeliveryFormat.ORIGINAL])
@pytest.mark.parametrize("spoil", [changed_pixels, grown, cut])
def test_other_formats_are_guarded_as_well(
    spoil: Callable[[bytes], bytes], wanted: DeliveryFormat, tmp_path: Path
) -> None:
    path = delivered(tmp_path, wanted)
    path.write_bytes(spoil(path.read_bytes()))
    assert run(path).code == 1


@pytest.mark.parametrize("wanted", DeliveryFormat)
def test_a_file_whose_manifest_was_stripped_has_no_credentials(
    wanted: DeliveryFormat, tmp_path: Path
) -> None:
    path = tmp_path / f"bare.{EXTENSIONS[wanted]}"
    path.write_bytes(asyncio.run(copies(wanted)).image.data)
    said = run(path)
    assert said.code == 1
    assert "no content credentials" in said.out
    assert run(path, "--json").json["state"] == "none"


@pytest.mark.parametrize("name", ["piece.png", "piece.webp", "piece", "piece.jpg.txt"])
def test_a_misleading_name_is_told_and_changes_nothing_else(name: str, tmp_path: Path) -> None:
    path = delivered(tmp_path).rename(tmp_path / name)
    said = run(path)
    assert said.code == 0
    assert "intact" in said.out
    assert "misleads: the file is a JPEG" in said.out
    assert run(path, "--json").json["extension_matches"] is False


@pytest.mark.parametrize("name", ["piece.jpeg", "PIECE.JPG"])
def test_other_spellings_of_the_extension_do_not_mislead(name: str, tmp_path: Path) -> None:
    assert "misleads" not in run(delivered(tmp_path).rename(tmp_path / name)).out


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(MOST_BYTES + 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no image"),
        lambda path: path.write_bytes(b"RIFF\0\0\0\0WAVEfmt "),
        lambda path: path.mkdir(),
        os.mkfifo,
        large,
    ],
    ids=["missing", "empty", "text", "sound", "folder", "pipe", "large"],
)
def test_what_nothing_can_be_said_about_is_unusable(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "piece.jpg"
    make(path)
    said = run(path)
    assert (said.code, said.out) == (2, "")
    assert str(path) in said.err


def test_the_operators_own_certificate_is_named_and_can_be_trusted(tmp_path: Path) -> None:
    made = chain()
    path, roots = tmp_path / "piece.jpg", tmp_path / "roots.pem"
    path.write_bytes(asyncio.run(signed_file(of_operator(made, tmp_path))))
    said = run(path)
    assert said.code == 0
    assert f"{ORGANISATION} signer" in said.out
    assert "development" not in said.out
    for root, code, word in ((made.root, 0, ", trusted"), (chain().root, 1, "NOT among those")):
        roots.write_bytes(root)
        said = run(path, "--trust", roots)
        assert said.code == code
        assert word in said.out


def test_a_development_signature_is_not_trusted_by_anybody_elses_certificate(
    tmp_path: Path,
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(chain().root)
    assert run(delivered(tmp_path), "--trust", roots).code == 1


@pytest.mark.parametrize("text", [None, b"", b"no certificate", b"\xff"])
def test_certificates_that_cannot_be_read_are_no_reason_to_trust(
    text: bytes | None, tmp_path: Path
) -> None:
    roots = tmp_path / "roots.pem"
    if text is not None:
        roots.write_bytes(text)
    said = run(delivered(tmp_path), "--trust", roots)
    assert (said.code, said.out) == (2, "")


def test_credentials_of_others_are_shown_as_theirs(tmp_path: Path) -> None:
    made, path = chain(), tmp_path / "theirs.jpg"
    created = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    definition = {
        "claim_generator_info": [{"name": "Camera \x1b[31m"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    out = io.BytesIO()
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo("es256", made.chain, made.key, None))
    with c2pa.Builder(json.dumps(definition)) as builder:
        builder.sign(signer, "image/jpeg", io.BytesIO(asyncio.run(copies()).image.data), out)
    path.write_bytes(out.getvalue())
    said = run(path)
    assert said.code == 0
    assert "not by an Atelier" in said.out
    assert "digitalCapture" in said.out
    assert "\x1b" not in said.out
    assert run(path, "--json").json["provenance"] is None


def test_nothing_is_written(tmp_path: Path) -> None:
    path = delivered(tmp_path)
    before = {each: (each.stat().st_mtime_ns, each.stat().st_size) for each in tmp_path.rglob("*")}
    tmp_path.chmod(0o500)
    try:
        assert run(path).code == 0
    finally:
        tmp_path.chmod(0o700)
    after = {each: (each.stat().st_mtime_ns, each.stat().st_size) for each in tmp_path.rglob("*")}
    assert after == before
