"""API keys, by their public part."""

from shared.content import SubjectToken, Value
from shared.rpc import Call


class FindKey(Value):
    """The public part of an API key; the tenant is what the answer tells."""

    key_id: SubjectToken


class ApiKey(Value):
    """A key as the ledger knows it: only the hash of its secret."""

    key_id: str
    tenant: SubjectToken
    name: str
    secret_sha256: str


FIND_KEY = Call("ledger.key.find", FindKey, ApiKey)
