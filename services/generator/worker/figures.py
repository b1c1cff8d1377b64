"""The worker in Prometheus' words."""

from prometheus_client import CollectorRegistry, Counter, Histogram

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
