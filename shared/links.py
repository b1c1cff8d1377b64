r"""Links to files of the local object directory that not everybody may read, good for a while.

`?expires=<unix seconds>&signature=<hex>` where the signature is HMAC-SHA256 over
`<expires>\n<key>`; whoever serves the directory checks it, whoever stores signs it. Links for
reviewers also say `review=1` and are signed over `<expires>\nreview\n<key>`: they open what is held
for review, and no other link does.
"""

import hashlib
import hmac
from urllib.parse import quote


def signature(secret: bytes, key: str, expires_at: int, *, in_review: bool = False) -> str:
    """Hex signature of an object key until `expires_at` (unix seconds)."""
    area = "review\n" if in_review else ""
    return hmac.new(secret, f"{expires_at}\n{area}{key}".encode(), hashlib.sha256).hexdigest()


def sign(
    secret: bytes, base_url: str, key: str, expires_at: int, *, in_review: bool = False
) -> str:
    """A complete link; it is a secret."""
    signed = signature(secret, key, expires_at, in_review=in_review)
    review = "&review=1" if in_review else ""
    return f"{base_url.rstrip('/')}/{quote(key)}?expires={expires_at}&signature={signed}{review}"


def is_valid(
    secret: bytes, key: str, expires_at: int, given: str, *, now: int, in_review: bool = False
) -> bool:
    """Whether a signature opens this key now; compared in constant time."""
    expected = signature(secret, key, expires_at, in_review=in_review)
    return hmac.compare_digest(expected.encode(), given.encode()) and now < expires_at
