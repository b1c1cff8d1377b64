"""Who is in which slot: counted references, and the least recently used idle one makes room."""

from collections import OrderedDict
from dataclasses import dataclass

from services.generator.sdxl.wishes import NoPicture


@dataclass(eq=False, slots=True)
class Slot:
    """A place on the device for one LoRA. `number` 0 is nobody's: it stays empty."""

    number: int
    key: str
    holders: int = 0
    filled: bool = False
    """Whether the weights are there; who comes while they are copied waits for it."""
    failure: NoPicture | None = None
    """Why they never will be."""


class Slots:
    """Slots 1 to `count`, each for one key. A slot that somebody holds is never given away."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self._by_key: OrderedDict[str, Slot] = OrderedDict()
        self._free = list(range(count, 0, -1))

    def take(self, key: str) -> Slot | None:
        """The key's slot, held once more; unfilled when it is new. None: all are held by others."""
        slot = self._by_key.get(key)
        if slot is None:
            slot = self._make(key)
            if slot is None:
                return None
            self.misses += 1
        else:
            self.hits += 1
        slot.holders += 1
        self._by_key.move_to_end(key)
        return slot

    def give(self, slot: Slot) -> None:
        """Holds it once less; what is in it stays, until the place is needed."""
        slot.holders -= 1
        if not slot.filled and not slot.holders:
            self._forget(slot)

    @property
    def held(self) -> int:
        """Slots that somebody holds. From any thread."""
        return sum(1 for slot in list(self._by_key.values()) if slot.holders)

    def _make(self, key: str) -> Slot | None:
        if not self._free:
            idle = next((slot for slot in self._by_key.values() if not slot.holders), None)
            if idle is None:
                return None
            self._forget(idle)
            self.evictions += 1
        slot = self._by_key[key] = Slot(self._free.pop(), key)
        return slot

    def _forget(self, slot: Slot) -> None:
        del self._by_key[slot.key]
        self._free.append(slot.number)
