"""Weights that were read and checked, the least recently used forgotten when room is short."""

from collections import OrderedDict

from services.generator.sdxl.weights import LoraWeights


class Memory:
    """Bounded by bytes; weights that alone need more are not kept."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, LoraWeights] = OrderedDict()
        self.size_bytes = 0

    def get(self, sha256: str) -> LoraWeights | None:
        """The weights, which are now the most recently used."""
        weights = self._kept.get(sha256)
        if weights is not None:
            self._kept.move_to_end(sha256)
        return weights

    def put(self, weights: LoraWeights) -> None:
        """Keep weights."""
        if weights.size_bytes > self._most_bytes or weights.sha256 in self._kept:
            return
        self._kept[weights.sha256] = weights
        self.size_bytes += weights.size_bytes
        while self.size_bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= oldest.size_bytes
