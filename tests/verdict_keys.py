"""The key that signs verdicts in tests, and those who believe it."""

from typing import TypeVar

from shared.events import ContentModerated
from shared.signing import VerdictKeys, VerdictSigner

SEED = "5e" * 32
SIGNER = VerdictSigner(bytes.fromhex(SEED))
STRANGER = VerdictSigner(bytes.fromhex("0b" * 32))
KEYS = VerdictKeys([SIGNER.public_key])

E = TypeVar("E", bound=ContentModerated)


def signed(event: E, signer: VerdictSigner = SIGNER) -> E:
    """The same fact, its verdict signed for what the fact is about."""
    return event.model_copy(update={"verdict": signer.sign(event, event.verdict)})
