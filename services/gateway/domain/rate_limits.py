"""How many requests a caller may make: a bucket of tokens that refills evenly."""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from shared.calls import RateLimit

MAX_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has left. `retry_after_s` is None if the request may pass."""

    limit: RateLimit
    remaining: int
    full_after_s: int
    retry_after_s: int | None = None


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimits:
    """The buckets of all callers, of this process alone: each replica grants the whole limit.

    The callers least recently heard of are forgotten beyond `MAX_CALLERS`, with full buckets.
    """

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, limit: RateLimit, *, now: float) -> Allowance:
        """Take a token if there is one. `now` is seconds of a clock that never runs backwards."""
        bucket = self._refilled(caller, limit, now)
        retry_after_s = _retry_after_s(bucket, limit)
        if retry_after_s is None:
            bucket.tokens -= 1
        return _allowance(bucket, limit, retry_after_s)

    def look(self, caller: str, limit: RateLimit, *, now: float) -> Allowance:
        """What `take` would find, without taking anything."""
        bucket = self._refilled(caller, limit, now)
        return _allowance(bucket, limit, _retry_after_s(bucket, limit))

    def _refilled(self, caller: str, limit: RateLimit, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(caller, _Bucket(limit.requests, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        refilled = bucket.tokens + (now - bucket.filled_at) * _per_s(limit)
        bucket.tokens, bucket.filled_at = min(limit.requests, refilled), now
        return bucket


def network_of(address: str) -> str:
    """Who an address counts as: whoever has one of IPv6 has a /64 of them, for nothing."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    # A socket for both families shows the addresses of IPv4 like this: they are not one network.
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


def _per_s(limit: RateLimit) -> float:
    return limit.requests / limit.window_s


def _retry_after_s(bucket: _Bucket, limit: RateLimit) -> int | None:
    return None if bucket.tokens >= 1 else ceil((1 - bucket.tokens) / _per_s(limit))


def _allowance(bucket: _Bucket, limit: RateLimit, retry_after_s: int | None) -> Allowance:
    full_after_s = ceil((limit.requests - bucket.tokens) / _per_s(limit))
    return Allowance(limit, int(bucket.tokens), full_after_s, retry_after_s)
