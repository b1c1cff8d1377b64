"""What `atelier verify` shows of a reading."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.output import console, print_table, printable
from cli.verify_reading import Reading, Signer
from shared.provenance import AppliedLora, Provenance

_HEADLINES = {
    "intact": ("green", "intact: the file is as it was signed"),
    "altered": ("red", "altered: the file is not as it was signed; what it tells is a claim"),
    "none": ("yellow", "no content credentials: nobody says how the file came to be"),
}
_NAMES = {"image/jpeg": "a JPEG", "image/png": "a PNG", "image/webp": "a WebP"}


def as_json(path: Path, reading: Reading) -> dict[str, Any]:
    """The whole reading for machines."""
    signer, provenance = reading.signer, reading.provenance
    return {
        "file": str(path),
        "state": reading.state,
        "media_type": reading.media_type,
        "extension_matches": reading.is_well_named,
        "faults": list(reading.faults),
        "claim_generator": reading.claim_generator or None,
        "digital_source_type": reading.digital_source_type or None,
        "signer": None
        if signer is None
        else {
            "organisation": signer.organisation,
            "name": signer.name,
            "serial": signer.serial,
            "development": signer.is_development,
            "trusted": signer.is_trusted,
        },
        "provenance": None if provenance is None else provenance.model_dump(mode="json"),
    }


def show(path: Path, reading: Reading) -> None:
    """The same for people."""
    style, headline = _HEADLINES[reading.state]
    console.print(printable(str(path)), markup=False, soft_wrap=True)
    console.print(headline, style=style)
    rows = [*_rows(reading)]
    if rows:
        print_table(("", ""), rows)


def _rows(reading: Reading) -> Iterator[tuple[str, str]]:
    if reading.provenance is not None:
        yield from _origin(reading.provenance)
    elif reading.signer is not None:
        yield "made by", f"{reading.claim_generator or 'somebody'}, not by an Atelier"
    if reading.digital_source_type:
        yield "kind", reading.digital_source_type.rpartition("/")[2]
    if reading.signer is not None:
        yield "signer", _signer(reading.signer)
    if reading.faults:
        yield "faults", ", ".join(reading.faults)
    if not reading.is_well_named:
        yield "name", f"misleads: the file is {_NAMES[reading.media_type]}"


def _origin(provenance: Provenance) -> Iterator[tuple[str, str]]:
    yield "piece", f"{provenance.piece_id}, run {provenance.run}"
    drawn = ", a placeholder that no model has made" if provenance.preview else ""
    yield "model", f"{provenance.model}{drawn}"
    yield "LoRA", "none" if provenance.lora is None else _lora(provenance.lora)
    took_s = provenance.generation_time_ms / 1000
    yield "ordered", f"{provenance.ordered_at:%Y-%m-%d %H:%M:%S %Z}, generated in {took_s:.1f} s"
    if provenance.signed_at is not None:
        yield "signed", f"{provenance.signed_at:%Y-%m-%d %H:%M:%S %Z}"
    yield "derived from", f"sha256 {provenance.source_sha256}"


def _lora(lora: AppliedLora) -> str:
    if lora.file_sha256 is not None:
        return f"at {lora.scale:g}, sha256 {lora.file_sha256}"
    # Whoever made the image has not told which weights it found under their key.
    return f"at {lora.scale:g}, sha256 of its key in the bucket (not of the file) {lora.key_sha256}"


def _signer(signer: Signer) -> str:
    name = signer.name or signer.organisation or "unknown"
    if signer.is_trusted:
        return f"{name}, trusted"
    if signer.is_development:
        return "a development certificate: nobody vouches for it"
    if signer.is_trusted is False:
        return f"{name}: NOT among those to trust"
    return f"{name}; whether to trust it was not asked (--trust)"
