"""Credentials that a test can read and forge: a line of JSON behind the image."""

from dataclasses import dataclass

from pydantic import ValidationError

from services.storage.ports import Encoded
from shared.provenance import Provenance

_MARK = b"\n#signed "


@dataclass
class TrailingSigner:
    """No two signatures are alike, as with C2PA."""

    signatures: int = 0

    def sign(self, image: Encoded, provenance: Provenance) -> bytes:
        self.signatures += 1
        return signed(image.data, provenance, self.signatures)

    async def read(self, data: bytes, media_type: str) -> Provenance | None:
        _, _, told = data.rpartition(_MARK)
        try:
            return Provenance.model_validate_json(told.partition(b"#")[0])
        except ValidationError:
            return None


def signed(data: bytes, provenance: Provenance, number: int = 0) -> bytes:
    """The bytes with a signature."""
    return b"".join((data, _MARK, provenance.model_dump_json().encode(), b"#%d" % number))


def unsigned(data: bytes) -> bytes:
    """The bytes as they were before."""
    return data.rpartition(_MARK)[0]
