"""What has to be sure of a verdict before anything is done by it."""

from shared.content import Verdict
from shared.outcomes import GiveUp
from shared.signing import About, VerdictKeys


def check_verdict(keys: VerdictKeys, about: About, verdict: Verdict, image_sha256: str) -> None:
    """That somebody whose verdicts count has given it, for these bytes. Raises GiveUp."""
    if not keys.vouch_for(about, verdict):
        raise GiveUp("verdict_unsigned", "nobody whose verdicts count has signed it")
    if verdict.image_sha256 != image_sha256:
        raise GiveUp("verdict_mismatch", "the verdict is about other bytes")


def not_allowed(verdict: Verdict) -> GiveUp:
    """The verdict is sure, and forbids it."""
    return GiveUp("not_allowed", f"the verdict is {verdict.decision}")
