"""What providers charge, in micro-dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs: an image of a size `WxH` from `by_size`, of any other `per_image`.

    `per_token` is for vendors that bill what an answer reports, by the name of the count.
    `read` is the day on which `source` was looked up.
    """

    source: str
    read: date
    per_image_usd_micros: int | None = None
    by_size: Mapping[str, int] | None = None
    per_token_usd_nanos: Mapping[str, int] | None = None

    def of(self, usd_micros: int) -> "Price":
        """Another price for any image, as somebody here has set it."""
        return replace(self, per_image_usd_micros=usd_micros, by_size=None)

    def of_image(self, width: int, height: int) -> int:
        """Micro-dollars for one image. Raises LookupError for a size without a price."""
        known = (self.by_size or {}).get(f"{width}x{height}", self.per_image_usd_micros)
        if known is None:
            raise LookupError(f"no price for {width}x{height}")
        return known

    def of_tokens(self, used: Mapping[str, int]) -> int | None:
        """Micro-dollars for so many tokens of each kind, rounded up; None where not billed so."""
        if self.per_token_usd_nanos is None:
            return None
        nanos = sum(self.per_token_usd_nanos[kind] * count for kind, count in used.items())
        return -(-nanos // 1_000)
