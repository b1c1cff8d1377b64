r"""Links to private objects of the local object directory, good for a while.

`?expires=<unix seconds>&signature=<hex>` where the signature is HMAC-SHA256 over
`<expires>\n<key>`; whoever serves the directory checks it, whoever stores signs it.
"""

import hashlib
import hmac
from urllib.parse import quote


def signature(secret: bytes, key: str, expires_at: int) -> str:
    """Hex signature of an object key until `expires_at` (unix seconds)."""
    return hmac.new(secret, f"{expires_at}\n{key}".encode(), hashlib.sha256).hexdigest()


def sign(secret: bytes, base_url: str, key: str, expires_at: int) -> str:
    """A complete link; it is a secret."""
    signed = signature(secret, key, expires_at)
    return f"{base_url.rstrip('/')}/{quote(key)}?expires={expires_at}&signature={signed}"


def is_valid(secret: bytes, key: str, expires_at: int, given: str, *, now: int) -> bool:
    """Whether a signature opens this key now; compared in constant time."""
    expected = signature(secret, key, expires_at)
    return hmac.compare_digest(expected.encode(), given.encode()) and now < expires_at
