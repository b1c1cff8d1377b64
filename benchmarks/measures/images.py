"""How fast somebody makes images when avatars change all the time."""

import asyncio
import random
import time
from dataclasses import dataclass
from itertools import count
from statistics import median

import torch

from benchmarks.measures.device_use import watched
from benchmarks.sdxl.makers import Maker, Order
from benchmarks.sdxl.scale import Scale

BATCHES = (1, 4, 8)
MIXED = (4, 8)


@dataclass(frozen=True, slots=True)
class Pace:
    """Images a second: by batch of one avatar, by batch of as many avatars. `busy` is 0 to 1."""

    of_one: dict[int, float]
    of_many: dict[int, float]
    busy: float | None

    @property
    def best(self) -> float:
        """With an avatar for each image."""
        return max(self.of_one[1], *self.of_many.values())


@dataclass(frozen=True, slots=True)
class Change:
    """Milliseconds that an avatar's weights add to an image: never seen before, and seen."""

    new_ms: float
    known_ms: float


class Bench:
    """One maker, measured. No image is ordered twice, and avatars take turns."""

    def __init__(self, maker: Maker, scale: Scale, device: torch.device) -> None:
        self._maker = maker
        self._scale = scale
        self._device = device
        self._numbers = count(1)
        self._avatars = count(0)

    async def change(self) -> Change:
        """To be measured first: what is new is new but once."""
        await self._maker.images(self._orders(1))
        new_ms = [await self._added_ms() for _ in range(self._scale.avatars - 1)]
        known_ms = [await self._added_ms() for _ in range(self._scale.avatars)]
        return Change(median(new_ms), median(known_ms))

    async def pace(self) -> Pace:
        """In rounds of requests that are handed in together."""
        of_one = {size: await self._rate(size, mixed=False) for size in BATCHES}
        of_many = {}
        with watched(self._device) as use:
            for size in MIXED:
                of_many[size] = await self._rate(size, mixed=True)
        return Pace(of_one, of_many, use.busy)

    async def warm_up(self) -> None:
        """Every avatar once: later ones are known."""
        await self._maker.images(self._orders(self._scale.avatars))

    async def latencies_s(self, rate: float) -> list[float]:
        """Of images for random avatars that come by chance, so many a second on average."""
        dice = random.Random(7)  # noqa: S311 - the same arrivals for everybody
        waiting = []
        for _ in range(self._scale.arrivals):
            order = Order(next(self._numbers), dice.randrange(self._scale.avatars))
            waiting.append(asyncio.create_task(self._timed([order])))
            await asyncio.sleep(dice.expovariate(rate))
        return await asyncio.gather(*waiting)

    async def _added_ms(self) -> float:
        """What an image of the next avatar takes more than another one of the same."""
        first = await self._timed(orders := self._orders(1))
        same = await self._timed(self._orders(1, avatar=orders[0].avatar))
        return 1000 * (first - same)

    def _orders(self, size: int, *, avatar: int | None = None, mixed: bool = True) -> list[Order]:
        first = next(self._avatars) if avatar is None else avatar
        rest = [next(self._avatars) if mixed else first for _ in range(size - 1)]
        return [Order(next(self._numbers), each) for each in (first, *rest)]

    async def _rate(self, size: int, *, mixed: bool) -> float:
        await self._maker.images(self._orders(size, mixed=mixed))
        took_s = 0.0
        for _ in range(self._scale.rounds):
            took_s += await self._timed(self._orders(size, mixed=mixed))
        return size * self._scale.rounds / took_s

    async def _timed(self, orders: list[Order]) -> float:
        began = time.perf_counter()
        await self._maker.images(orders)
        return time.perf_counter() - began
