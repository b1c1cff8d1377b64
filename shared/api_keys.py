"""The form of an API key: `atl_<key id>_<secret>`. Only the hash of the secret is ever kept."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field

_SECRET_BYTES = 32
_FORM = re.compile(r"atl_([A-Za-z0-9]{1,64})_([A-Za-z0-9_-]{16,128})")


@dataclass(frozen=True, slots=True)
class PlainKey:
    """A key with its secret, as its owner has it."""

    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "PlainKey":
        """A key that nobody can guess."""
        return cls(secrets.token_hex(8), secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> "PlainKey | None":
        """The key that was presented, or None if the text has not the form of one."""
        found = _FORM.fullmatch(text)
        return cls(found[1], found[2]) if found else None

    @property
    def whole(self) -> str:
        """The key as its owner presents it."""
        return f"atl_{self.key_id}_{self.secret}"

    @property
    def secret_sha256(self) -> str:
        """What the books keep of the secret. It is long and random: no salt, no slow hash."""
        return hashlib.sha256(self.secret.encode()).hexdigest()
