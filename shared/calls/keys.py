"""API keys: looked up by their public part, issued, listed and revoked."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from shared.calls.base import Asked
from shared.content import SubjectToken, Value
from shared.rpc import Call

KeyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Scope(StrEnum):
    """What a key may be used for."""

    READ = "read"
    WRITE = "write"
    REVIEW = "review"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


class RateLimit(Value):
    """How many requests a key may make: `requests` at once, refilled evenly in `window_s` s."""

    requests: int = Field(default=600, ge=1, le=1_000_000)
    window_s: int = Field(default=60, ge=1, le=86_400)


class FindKey(Value):
    """The public part of an API key; the tenant is what the answer tells."""

    key_id: SubjectToken


class ApiKey(Value):
    """A key as the ledger knows it: only the hash of its secret."""

    key_id: str
    tenant: SubjectToken
    name: str
    secret_sha256: str
    scopes: frozenset[Scope] = ALL_SCOPES
    limit: RateLimit = RateLimit()
    expires_at: AwareDatetime | None = None


class IssueKey(Asked):
    """Make a key. The caller makes id and secret, so the secret itself never travels."""

    key_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,64}$")]
    secret_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    name: KeyName
    scopes: frozenset[Scope] = Field(min_length=1)
    limit: RateLimit = RateLimit()
    expires_at: AwareDatetime | None = None
    issued_by: SubjectToken | None = Field(default=None, description="id of the key that asked")


class KeyRef(Asked):
    """One key of a tenant."""

    key_id: SubjectToken


class ListKeys(Asked):
    """Keys of a tenant, newest first."""

    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


class KeyRecord(Value):
    """A key as its administrators see it, without the hash."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    limit: RateLimit
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None
    issued_by: str | None = None


class KeyPage(Value):
    """Some keys, and where to go on."""

    keys: tuple[KeyRecord, ...]
    next_cursor: str | None = None


FIND_KEY = Call("ledger.key.find", FindKey, ApiKey)
ISSUE_KEY = Call("ledger.key.issue", IssueKey, KeyRecord)
LIST_KEYS = Call("ledger.key.list", ListKeys, KeyPage)
REVOKE_KEY = Call("ledger.key.revoke", KeyRef, KeyRecord)
