"""Verdicts are signed by the service that gave them; whoever acts on one makes sure of it first.

Ed25519 (RFC 8032) over one line of JSON with sorted keys and no spaces: `format`, what the verdict
is about (`tenant`, `task_id`, `piece_id`, `run`) and the fields of `Verdict` listed here. The list
belongs to the format: what a later release adds to verdicts is signed by a later format only, so
that an older reader can still make sure of what it knows.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Protocol

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from pydantic import AfterValidator, SecretStr

from shared.content import Signature, Verdict

KEY_BYTES = 32
_FORMAT = "atelier-verdict-1"
_SIGNED = {
    "decision",
    "rating",
    "explicitness_level",
    "tier",
    "image_sha256",
    "judge",
    "policy_version",
    "reason",
    "judges",
    "unscored",
    "blocked",
    "blocked_on",
    "image_print",
    "approvals_needed",
    "reviewers",
}


class About(Protocol):
    """What a verdict is about: one run of one piece."""

    @property
    def tenant(self) -> str: ...
    @property
    def task_id(self) -> str: ...
    @property
    def piece_id(self) -> str: ...
    @property
    def run(self) -> int: ...


class VerdictSigner:
    """Signs with a seed of 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self._key_id = key_id_of(self._key.verify_key.encode())

    @property
    def public_key(self) -> str:
        """In hex, for `VERDICT_PUBLIC_KEYS` of those who read verdicts."""
        return self._key.verify_key.encode().hex()

    def sign(self, about: About, verdict: Verdict) -> Verdict:
        """The same verdict, signed for this run of this piece and no other."""
        signed = self._key.sign(_signed_line(about, verdict)).signature
        signature = Signature(key_id=self._key_id, ed25519=signed.hex())
        return verdict.model_copy(update={"signature": signature})


class VerdictKeys:
    """Public keys whose verdicts count: several, so that keys can be exchanged."""

    def __init__(self, public_keys: Iterable[str]) -> None:
        keys = (bytes.fromhex(key) for key in public_keys)
        self._keys = {key_id_of(key): VerifyKey(key) for key in keys}

    def vouch_for(self, about: About, verdict: Verdict) -> bool:
        """Whether one of these keys signed this verdict for this run of this piece."""
        signature = verdict.signature
        key = None if signature is None else self._keys.get(signature.key_id)
        if signature is None or key is None:
            return False
        try:
            key.verify(_signed_line(about, verdict), bytes.fromhex(signature.ed25519))
        except BadSignatureError:
            return False
        return True


def key_id_of(public_key: bytes) -> str:
    """By what a signature names its key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def _signed_line(about: About, verdict: Verdict) -> bytes:
    line = {
        "format": _FORMAT,
        "tenant": about.tenant,
        "task_id": about.task_id,
        "piece_id": about.piece_id,
        "run": about.run,
        "verdict": verdict.model_dump(mode="json", include=_SIGNED),
    }
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode()


def _is_seed(secret: SecretStr) -> SecretStr:
    _check_key(secret.get_secret_value())
    return secret


def _are_public_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    if not keys:
        raise ValueError("must name at least one key")
    for key in keys:
        _check_key(key)
    return keys


def _check_key(text: str) -> None:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ValueError("must be hexadecimal") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes ({2 * KEY_BYTES} digits)")


SigningSeed = Annotated[SecretStr, AfterValidator(_is_seed)]
"""The secret half of an Ed25519 key: 32 random bytes, in hex."""

PublicKeys = Annotated[tuple[str, ...], AfterValidator(_are_public_keys)]
"""Public halves of Ed25519 keys, 32 bytes each, in hex."""
