"""I5, as far as verdicts go: what was delivered or is held has a verdict that safety has signed.

The signed line is made anew from the stored verdict: JSON with sorted keys and no spaces, of the
format's name, what the verdict is about and its signed members; Ed25519 (RFC 8032) over that line.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from tests.audit.report import Violation
from tests.audit.rows import PieceRow
from tests.audit.world import HELD, World

NAME = "I5"
FORMAT = "atelier-verdict-1"
SIGNED = (
    *("decision", "rating", "explicitness_level", "tier", "image_sha256", "judge"),
    *("policy_version", "reason", "judges", "unscored", "blocked", "blocked_on"),
    *("image_print", "approvals_needed", "reviewers"),
)
NO_KEYS = "signatures of verdicts: no public keys were given"


def not_judged(world: World) -> Iterator[str]:
    """What could not be looked at."""
    if world.verdict_keys is None:
        yield NO_KEYS


def violations(world: World) -> Iterator[Violation]:
    """Every piece that was delivered or is held without a verdict that one of the keys signed."""
    if world.verdict_keys is None:
        return
    keys = {_key_id(key): key for key in world.verdict_keys}
    for piece in world.books.pieces:
        if piece.state in {"persisted", HELD}:
            why = _flaw(piece, keys)
            if why is not None:
                yield Violation(NAME, "verdict_unsigned", piece.piece_id, why)


def _flaw(piece: PieceRow, keys: Mapping[str, str]) -> str | None:
    verdict = piece.verdict
    if verdict is None:
        return "no verdict on record"
    if verdict.get("decision") != piece.verdict_decision:
        return "the verdict on record has another decision than the piece"
    signature = verdict.get("signature") or {}
    key = keys.get(signature.get("key_id", ""))
    if key is None:
        return "by none of the keys"
    try:
        signed = bytes.fromhex(signature.get("ed25519", ""))
        VerifyKey(bytes.fromhex(key)).verify(signed_line(piece, verdict), signed)
    except (BadSignatureError, ValueError, KeyError):
        return "the signature is not of this verdict about this run of this piece"
    return None


def signed_line(piece: PieceRow, verdict: Mapping[str, object]) -> bytes:
    """What is signed."""
    line = {
        "format": FORMAT,
        "tenant": piece.tenant,
        "task_id": piece.task_id,
        "piece_id": piece.piece_id,
        "run": piece.run,
        "verdict": {name: verdict[name] for name in SIGNED},
    }
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode()


def _key_id(public_key: str) -> str:
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:16]
