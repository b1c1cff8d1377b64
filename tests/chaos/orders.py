"""The seeded plan of what is ordered and when; every prompt says which piece it is about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from random import Random
from typing import Any

# Three words name a piece, for figures could be read as somebody's age.
_COLOURS = (
    *("amber", "beige", "blue", "bronze", "copper", "coral", "cream", "golden", "green", "grey"),
    *("indigo", "ivory", "lilac", "ochre", "olive", "orange", "purple", "silver", "teal", "white"),
)
_STUFFS = (
    *("bamboo", "brass", "canvas", "cedar", "ceramic", "clay", "cotton", "glass", "granite"),
    *(
        "linen",
        "marble",
        "oak",
        "paper",
        "porcelain",
        "slate",
        "steel",
        "stone",
        "velvet",
        "walnut",
    ),
)
_THINGS = (
    *("armchair", "basket", "bench", "bookshelf", "bowl", "cabinet", "clock", "desk", "door"),
    *("fountain", "lamp", "mirror", "piano", "staircase", "table", "vase", "wall", "window"),
)
MOST_PIECES = len(_COLOURS) * len(_STUFFS) * len(_THINGS)

_SIZES = (1, 2, 3, 5, 10, 20, 40, 60)
_TIERS = ("capa1", "capa1", "capa1", "capa2", "capa3")
MOST_WAITED_FOR = 5
FEWEST_ORDERS = 10
SHARE_WAITED_FOR = 0.4
SHARE_AGAIN = 0.15
SHARE_TWINS = 0.15


@dataclass(frozen=True, slots=True)
class Order:
    """One order: `labels` name its pieces, `tiers` are theirs, `key` is its Idempotency-Key.

    `again_after_s`: the same is posted once more so long after the first answer. `twins`: how
    many clients post it at the same moment. `waited_for`: by the call that answers with results.
    """

    at_s: float
    key: str
    labels: tuple[str, ...]
    tiers: tuple[str, ...]
    waited_for: bool = False
    again_after_s: float | None = None
    twins: int = 1

    @property
    def path(self) -> str:
        """Where it is posted, below the API's root."""
        return "/content/batch/sync" if self.waited_for else "/content/batch"

    def body(self, avatar_id: str) -> bytes:
        """What is posted; the same bytes every time."""
        fields: dict[str, Any] = {
            "avatar_id": avatar_id,
            "num_pieces": len(self.labels),
            "custom_prompts": [f"standing beside the {label}" for label in self.labels],
            "custom_tiers": self.tiers,
        }
        return json.dumps(fields).encode()


def label(number: int) -> str:
    """The name of the nth piece of a run; raises ValueError beyond MOST_PIECES."""
    if not 0 <= number < MOST_PIECES:
        raise ValueError(f"there are names for {MOST_PIECES} pieces")
    rest, colour = divmod(number, len(_COLOURS))
    thing, stuff = divmod(rest, len(_STUFFS))
    return f"{_COLOURS[colour]} {_STUFFS[stuff]} {_THINGS[thing]}"


def label_in(prompt: str) -> str | None:
    """The name that a prompt carries, wherever it stands there; None without one."""
    _, found, rest = prompt.partition("standing beside the ")
    words = rest.replace(",", " ").split()[:3]
    known = (_COLOURS, _STUFFS, _THINGS)
    if not found or len(words) < 3:
        return None
    words[2] = words[2].rstrip(".")
    fits = all(word in names for word, names in zip(words, known, strict=True))
    return " ".join(words) if fits else None


def every_label() -> Iterator[str]:
    """All names there are."""
    return (" ".join(words) for words in product(_COLOURS, _STUFFS, _THINGS))


def plan(seed: int, *, pieces: int, duration_s: float) -> list[Order]:
    """Orders for `pieces` pieces together, spread over `duration_s`; always the same for a seed."""
    random = Random(f"{seed} orders")
    sizes = list(_sizes(random, pieces))
    orders, begin = [], 0
    for nth, size in enumerate(sizes):
        at_s = (nth + random.random()) * duration_s / len(sizes)
        key = sha256(f"{seed} order {nth}".encode()).hexdigest()[:24]
        labels = tuple(label(number) for number in range(begin, begin + size))
        tiers = tuple(random.choice(_TIERS) for _ in labels)
        orders.append(
            Order(
                at_s,
                key,
                labels,
                tiers,
                waited_for=size <= MOST_WAITED_FOR and random.random() < SHARE_WAITED_FOR,
                again_after_s=random.uniform(0, 20) if random.random() < SHARE_AGAIN else None,
                twins=random.choice((2, 3)) if random.random() < SHARE_TWINS else 1,
            )
        )
        begin += size
    return orders


def _sizes(random: Random, pieces: int) -> Iterator[int]:
    usual = [size for size in _SIZES if size <= max(1, pieces // FEWEST_ORDERS)]
    while pieces:
        size = min(random.choice(usual), pieces)
        pieces -= size
        yield size
