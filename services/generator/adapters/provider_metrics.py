"""Providers in Prometheus' words."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.breaker import State
from shared.calls import ProviderState

Outcomes = Callable[[], Mapping[str, Mapping[str, int]]]
"""By provider: how many calls ended in each way, `succeeded` or a failure's code."""


class ProviderMetrics(Collector):
    """Read at every scrape: nothing is kept twice."""

    def __init__(self, states: Callable[[], Iterable[ProviderState]], outcomes: Outcomes) -> None:
        self._states = states
        self._outcomes = outcomes

    def collect(self) -> Iterator[Metric]:
        yield from _gauges(list(self._states()))
        calls = CounterMetricFamily(
            "atelier_provider_calls",
            "Calls of this process by how they ended.",
            labels=["provider", "outcome"],
        )
        for provider, outcomes in self._outcomes().items():
            for outcome, count in outcomes.items():
                calls.add_metric([provider, outcome], count)
        yield calls


def _gauges(states: list[ProviderState]) -> Iterator[Metric]:
    breaker = GaugeMetricFamily(
        "atelier_provider_breaker_state",
        "1 for the state that the breaker is in.",
        labels=["provider", "state"],
    )
    in_flight = GaugeMetricFamily(
        "atelier_provider_calls_in_flight", "Calls under way.", labels=["provider"]
    )
    concurrency = GaugeMetricFamily(
        "atelier_provider_calls_limit", "Most calls at a time.", labels=["provider"]
    )
    for state in states:
        for each in State:
            breaker.add_metric([state.name, each.value], float(state.breaker == each.value))
        in_flight.add_metric([state.name], state.in_flight)
        concurrency.add_metric([state.name], state.concurrency)
    yield from (breaker, in_flight, concurrency)
