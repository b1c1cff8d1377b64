"""Read the content credentials of a file, offline and without changing it."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import c2pa

from shared.provenance import (
    DEVELOPMENT_SIGNER,
    Provenance,
    active_manifest,
    faults_in,
    provenance_in,
)

MOST_BYTES = 100 * 2**20
_FORMS = {
    "image/jpeg": (b"\xff\xd8\xff", (".jpg", ".jpeg")),
    "image/png": (b"\x89PNG\r\n\x1a\n", (".png",)),
    "image/webp": (b"RIFF", (".webp",)),
}


class Unusable(Exception):
    """Nothing can be said about the file."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose certificate it was, as the certificate says."""

    organisation: str
    name: str
    serial: str
    is_development: bool
    is_trusted: bool | None
    """None unless somebody said whom to trust."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file's credentials say, and whether they hold."""

    state: Literal["intact", "altered", "none"]
    media_type: str
    is_well_named: bool
    faults: tuple[str, ...] = ()
    signer: Signer | None = None
    claim_generator: str = ""
    digital_source_type: str = ""
    provenance: Provenance | None = None

    @property
    def holds(self) -> bool:
        """Whether it is intact, and by a trusted signer where that was asked for."""
        untrusted = self.signer is not None and self.signer.is_trusted is False
        return self.state == "intact" and not untrusted


def read(path: Path, *, anchors_pem: str | None = None) -> Reading:
    """Look at a file; `anchors_pem` are certificates that vouch for signers. Raises Unusable."""
    data = _bytes_of(path)
    media_type = _media_type(data)
    is_well_named = path.suffix.lower() in _FORMS[media_type][1]
    try:
        store = _manifest_store(data, media_type, anchors_pem)
    except c2pa.C2paError.ManifestNotFound:
        return Reading("none", media_type, is_well_named)
    except c2pa.C2paError:
        return Reading("altered", media_type, is_well_named, faults=("unreadable",))
    return _judged(store, media_type, is_well_named=is_well_named, asked=anchors_pem is not None)


def _bytes_of(path: Path) -> bytes:
    try:
        # A pipe or a device would be read for ever.
        if not path.is_file():
            raise Unusable("that is no file")
        if path.stat().st_size > MOST_BYTES:
            raise Unusable(f"it has more than {MOST_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as exc:
        raise Unusable(f"it cannot be read: {exc.strerror}") from exc


def _media_type(data: bytes) -> str:
    """By what is in it: anybody can give it another name."""
    for media_type, (beginning, _) in _FORMS.items():
        if data.startswith(beginning) and (beginning != b"RIFF" or data[8:12] == b"WEBP"):
            return media_type
    raise Unusable("it is no JPEG, PNG or WebP")


def _manifest_store(data: bytes, media_type: str, anchors_pem: str | None) -> Mapping[str, Any]:
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if anchors_pem is not None:
        settings["verify"]["verify_trust"] = True
        settings["trust"] = {"user_anchors": anchors_pem}
    context = c2pa.Context.from_dict(settings)
    with c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader:
        store = json.loads(reader.json())
    return store if isinstance(store, dict) else {}


def _judged(
    store: Mapping[str, Any], media_type: str, *, is_well_named: bool, asked: bool
) -> Reading:
    manifest, provenance = active_manifest(store), provenance_in(store)
    faults = faults_in(store) if manifest else ("unreadable",)
    generators = manifest.get("claim_generator_info") or ()
    is_trusted = store.get("validation_state") == "Trusted" if asked else None
    return Reading(
        state="altered" if faults else "intact",
        media_type=media_type,
        is_well_named=is_well_named,
        faults=faults,
        signer=_signer(manifest.get("signature_info") or {}, provenance, is_trusted=is_trusted),
        claim_generator=", ".join(str(each.get("name", "")) for each in generators),
        digital_source_type=_source_type(manifest),
        provenance=provenance,
    )


def _signer(
    told: Mapping[str, Any], provenance: Provenance | None, *, is_trusted: bool | None
) -> Signer:
    organisation = str(told.get("issuer", ""))
    says_so = provenance is not None and provenance.development
    return Signer(
        organisation=organisation,
        name=str(told.get("common_name", "")),
        serial=str(told.get("cert_serial_number", "")),
        is_development=says_so or organisation == DEVELOPMENT_SIGNER,
        is_trusted=is_trusted,
    )


def _source_type(manifest: Mapping[str, Any]) -> str:
    for assertion in manifest.get("assertions", ()):
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            for action in (assertion.get("data") or {}).get("actions", ()):
                if found := action.get("digitalSourceType"):
                    return str(found)
    return ""
