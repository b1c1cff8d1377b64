"""What the content credentials of a delivered file tell, and how a manifest store is read.

The credentials are a C2PA manifest; ours is the assertion `atelier.generation` in it. It holds no
prompt, no link and no key of a bucket.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError

from shared.content import Sha256, SubjectToken, Value

ASSERTION = "atelier.generation"
CLAIM_GENERATOR = "Atelier"
DEVELOPMENT_SIGNER = "Atelier development"
"""Organisation in certificates that an Atelier has made for itself: nobody vouches for them."""

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC NewsCodes: made by a model that was trained on sampled content."""

# Whether somebody is trusted is for the reader to say; everything else is a fault of the file.
_NO_FAULT = "signingCredential.untrusted"


class AppliedLora(Value):
    """The avatar's weights, told without saying where they lie."""

    key_sha256: Sha256 = Field(description="of their key in the bucket")
    file_sha256: Sha256 | None = Field(
        default=None, description="of the weights themselves, where their user tells"
    )
    scale: float


class Provenance(Value):
    """How a file came to be."""

    piece_id: SubjectToken
    run: int = Field(ge=1)
    source_sha256: Sha256 = Field(description="of the judged bytes that it was derived from")
    model: str
    preview: bool = Field(default=False, description="drawn as a placeholder")
    lora: AppliedLora | None = None
    ordered_at: AwareDatetime
    generation_time_ms: int = Field(ge=0)
    signed_at: AwareDatetime | None = None
    development: bool = Field(default=False, description="signed with a key nobody vouches for")

    def is_of_same_source(self, other: "Provenance") -> bool:
        """Whether both tell of the same judged bytes in the same run of the same piece."""
        mine = (self.piece_id, self.run, self.source_sha256)
        return mine == (other.piece_id, other.run, other.source_sha256)


def active_manifest(store: Mapping[str, Any]) -> Mapping[str, Any]:
    """The manifest that is about the file as it is now; empty if there is none."""
    manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    return manifest if isinstance(manifest, dict) else {}


def provenance_in(store: Mapping[str, Any]) -> Provenance | None:
    """What our assertion in the active manifest tells, if there is one that can be read."""
    for assertion in active_manifest(store).get("assertions", ()):
        if assertion.get("label") == ASSERTION:
            try:
                return Provenance.model_validate(assertion.get("data"))
            except ValidationError:
                return None
    return None


def faults_in(store: Mapping[str, Any]) -> tuple[str, ...]:
    """Codes of C2PA of everything that is wrong with the file, without repetition."""
    results = store.get("validation_results", {})
    found = dict.fromkeys(_failures(results))
    if store.get("validation_state") == "Invalid" and not found:
        found = {"validation.invalid": None}
    return tuple(found)


def _failures(results: Mapping[str, Any]) -> Iterator[str]:
    deltas = (delta.get("validationDeltas", {}) for delta in results.get("ingredientDeltas", ()))
    parts: Sequence[Mapping[str, Any]] = (results.get("activeManifest", {}), *deltas)
    for part in parts:
        for failure in part.get("failure", ()):
            if failure.get("code") != _NO_FAULT:
                yield str(failure.get("code"))
