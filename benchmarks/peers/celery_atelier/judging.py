"""Verdicts, by the services' own functions: the same print, the same signature, the same checks."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.peers.celery_atelier import book
from services.safety.adapters.pillow_prints import image_print
from shared.content import Decision, Rating, Verdict
from shared.signing import VerdictKeys, VerdictSigner

Piece = dict[str, Any]

_POLICY = "2026-11"
_SEED = bytes(32)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a verdict is about."""

    task_id: str
    piece_id: str
    tenant: str = "default"
    run: int = 1


def verdict(piece: Piece, image: bytes) -> Verdict | None:
    """Approved by a judge who finds nothing, as in the measured Atelier.

    None where the image or its like was taken down. Raises GiveUp for what is no image.
    """
    digest, print_ = hashlib.sha256(image).hexdigest(), image_print(image)
    if book.is_taken_down(digest, print_):
        return None
    given = Verdict(
        decision=Decision.APPROVED,
        rating=Rating.SAFE,
        explicitness_level=1,
        tier=piece["brief"]["tier"],
        image_sha256=digest,
        judge="classifier",
        policy_version=_POLICY,
        reason="nothing stands against it; rated safe",
        image_print=print_,
    )
    return _signer().sign(_about(piece), given)


def vouched(piece: Piece) -> Verdict:
    """The verdict of a piece, made sure of. Raises ValueError."""
    given = Verdict.model_validate(piece["verdict"])
    if not _keys().vouch_for(_about(piece), given) or not given.allows_delivery:
        raise ValueError("no verdict that counts")
    return given


def _about(piece: Piece) -> _Run:
    return _Run(piece["task_id"], piece["piece_id"])


@cache
def _signer() -> VerdictSigner:
    return VerdictSigner(_SEED)


@cache
def _keys() -> VerdictKeys:
    return VerdictKeys((_signer().public_key,))
