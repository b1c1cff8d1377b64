"""Whether an avatar can be worked with, and what is in the way."""

from dataclasses import dataclass

from shared.calls import Avatar


@dataclass(frozen=True, slots=True)
class Blocker:
    """A reason why no piece of an avatar can be made: a stable code and words for people."""

    code: str
    detail: str
    status: int = 400


FROZEN = Blocker(
    "avatar_frozen",
    "The avatar is frozen: what was made for it was blocked; an administrator has to unfreeze it",
    403,
)
NO_LORA = Blocker("avatar_without_lora", "Avatar has no trained LoRA weights")
BLOCKED = Blocker("avatar_blocked", "The avatar is blocked; set another stage to use it")
NO_CONSENT = Blocker(
    "consent_not_attested",
    "The avatar wears a real person's face, but nobody has attested that person's consent",
)


def blockers(avatar: Avatar) -> tuple[Blocker, ...]:
    """Everything that keeps the avatar from being used; empty when it is ready."""
    found = (
        (FROZEN, avatar.frozen is not None),
        (NO_LORA, not avatar.lora_weights_url),
        (BLOCKED, avatar.stage == "blocked"),
        (NO_CONSENT, _lacks_consent(avatar)),
    )
    return tuple(blocker for blocker, applies in found if applies)


def caption_blockers(avatar: Avatar) -> tuple[Blocker, ...]:
    """Everything that keeps captions from being written in its voice: that needs no weights."""
    return tuple(blocker for blocker in blockers(avatar) if blocker is not NO_LORA)


def _lacks_consent(avatar: Avatar) -> bool:
    likeness = avatar.likeness
    if likeness is None or likeness.kind == "synthetic":
        return False
    return not (likeness.name and likeness.attested_by and likeness.attested_at)
