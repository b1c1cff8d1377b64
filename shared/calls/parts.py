"""Links to objects, and the state of the parts of the system."""

from typing import Literal

from pydantic import Field

from shared.calls.base import Asked, Nothing
from shared.content import BlobRef, BucketKey, SubjectToken, Value
from shared.rpc import Call


class LedgerHealth(Value):
    """What the ledger knows about itself."""

    avatars: int
    pieces: int
    tasks_open: int
    outbox_waiting: int
    pool_size: int
    pool_in_use: int


class SignLinks(Value):
    """Ask for links to delivered objects that work for a while without further permission."""

    keys: tuple[str, ...] = Field(max_length=100)
    expires_s: int = Field(default=3600, ge=1, le=7 * 24 * 3600)
    in_review: bool = Field(
        default=False, description="links for reviewers: they open what is held, and nothing else"
    )


class SignedLinks(Value):
    """Links in the order of the keys. They are secrets: never store or log them."""

    urls: tuple[str, ...]


class LendBytes(Asked):
    """Ask for a copy of a delivered object in staging; who asked deletes it."""

    key: BucketKey
    name: SubjectToken = Field(description="first part of the copy's name, made by who asks")


class LentBytes(Value):
    """Where the copy lies."""

    image: BlobRef


class ComponentHealth(Value):
    """State of a component for the health page."""

    status: Literal["ok", "degraded", "down"]
    full: bool = False
    """Whether it lacks the room for what new orders would bring."""
    detail: dict[str, object] = Field(default_factory=dict)


SIGN_LINKS = Call("storage.links.sign", SignLinks, SignedLinks)
LEND_BYTES = Call("storage.object.lend", LendBytes, LentBytes)
SAFETY_HEALTH = Call("safety.health", Nothing, ComponentHealth)
STORAGE_HEALTH = Call("storage.health", Nothing, ComponentHealth)
PROVIDER_HEALTH = Call("generator.health", Nothing, ComponentHealth)
LEDGER_HEALTH = Call("ledger.health", Nothing, LedgerHealth)
