"""Rates from moments."""

from collections.abc import Sequence

_EDGE = 0.1


def steady_rate(moments_s: Sequence[float]) -> float:
    """Events a second between the first and the last tenth of them; `moments_s` are sorted."""
    first, last = int(len(moments_s) * _EDGE), int(len(moments_s) * (1 - _EDGE)) - 1
    return (last - first) / (moments_s[last] - moments_s[first])
