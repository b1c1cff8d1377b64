"""Calls of models in Prometheus' words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.breaker import Breaker, State


class Called(Protocol):
    """A model, as far as figures go."""

    @property
    def name(self) -> str: ...
    @property
    def breaker(self) -> Breaker: ...
    @property
    def ended(self) -> Mapping[str, int]:
        """Calls by how they ended, `succeeded` or a failure's code."""
        ...


class CaptionMetrics(Collector):
    """Read at every scrape: nothing is kept twice."""

    def __init__(self, models: Sequence[Called]) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "atelier_caption_calls",
            "Calls of this process to a copywriter's model by how they ended.",
            labels=["copywriter", "outcome"],
        )
        breaker = GaugeMetricFamily(
            "atelier_caption_breaker_state",
            "1 for the state that the copywriter's breaker is in.",
            labels=["copywriter", "state"],
        )
        for model in self._models:
            for outcome, count in model.ended.items():
                calls.add_metric([model.name, outcome], count)
            for state in State:
                breaker.add_metric([model.name, state.value], float(state == model.breaker.state))
        yield from (calls, breaker)
