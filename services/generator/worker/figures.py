"""The worker in Prometheus' words."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.generator.sdxl.wishes import EngineHealth, EngineState

MADE = "made"
GONE = "gone"
"""Outcome of an order whose client has left."""

_SECONDS = (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)


class Figures:
    """How orders ended, and how long images took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._orders = Counter(
            "atelier_worker_orders", "Orders by how they ended.", ["outcome"], registry=registry
        )
        self._seconds = Histogram(
            "atelier_worker_image_seconds",
            "From taking an order on to having its image.",
            buckets=_SECONDS,
            registry=registry,
        )

    def made(self, seconds: float) -> None:
        """An image, so long after its order."""
        self._orders.labels(MADE).inc()
        self._seconds.observe(seconds)

    def ended(self, outcome: str) -> None:
        """An order without an image: `outcome` is a code, or that its client has left."""
        self._orders.labels(outcome).inc()


class EngineFigures(Collector):
    """The engine, read at every scrape."""

    def __init__(self, health: Callable[[], EngineHealth]) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        health = self._health()
        state = GaugeMetricFamily(
            "atelier_worker_state", "1 for the state that the engine is in.", labels=["state"]
        )
        for each in EngineState:
            state.add_metric([each.value], float(health.state is each))
        yield state
        for name, meaning, value in (
            ("slots", "LoRAs that can lie ready on the device.", health.slots),
            ("slots_taken", "LoRAs that do.", health.slots_taken),
            ("running", "Orders whose image is being made.", health.running),
            ("waiting", "Orders that wait.", health.waiting),
        ):
            yield GaugeMetricFamily(f"atelier_worker_{name}", meaning, value=value)
