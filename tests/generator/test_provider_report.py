"""What operators and Prometheus are told of the providers."""

from prometheus_client import CollectorRegistry, generate_latest

from services.generator.adapters.provider_metrics import ProviderMetrics
from services.generator.domain.failures import ProviderFailure
from services.generator.handler.providers import ProviderReport
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from shared.breaker import FAILURES
from shared.calls import Nothing
from tests.generator.fakes import ScriptedProvider, made_image


def report() -> tuple[ProviderReport, list[Route]]:
    routes = [
        Route(ScriptedProvider([made_image()], name=name), Limits(3, most_everywhere=9))
        for name in ("first", "second")
    ]
    return ProviderReport(Routing(routes)), routes


async def fail(route: Route, code: str = "SERVER_ERROR", *, times: int = FAILURES) -> None:
    for _ in range(times):
        async with route.admitted(first=False) as admission:
            route.failed(admission, ProviderFailure(code, "503"))


async def test_states_come_in_the_order_of_the_settings() -> None:
    told, routes = report()
    await fail(routes[0])
    first, second = (await told.states(Nothing())).providers
    assert (first.name, first.level, first.breaker) == ("first", 1, "open")
    assert first.retry_after_s > 0
    assert (second.name, second.level, second.breaker) == ("second", 2, "closed")
    assert (second.concurrency, second.max_in_flight) == (3, 9)


async def test_health_is_degraded_by_one_that_is_away_and_down_without_any() -> None:
    told, routes = report()
    assert (await told.health(Nothing())).status == "ok"
    await fail(routes[0])
    health = await told.health(Nothing())
    assert (health.status, health.detail) == ("degraded", {"first": "open", "second": "closed"})
    await fail(routes[1])
    assert (await told.health(Nothing())).status == "down"


async def test_calls_under_way_are_told() -> None:
    told, routes = report()
    async with routes[1].admitted(first=False):
        assert [state.in_flight for state in told.now()] == [0, 1]


async def test_metrics_tell_state_calls_and_outcomes() -> None:
    told, routes = report()
    async with routes[0].admitted(first=False) as admission:
        routes[0].succeeded(admission, 1.0)
    await fail(routes[0])
    await fail(routes[1], "<script>", times=1)
    registry = CollectorRegistry()
    registry.register(ProviderMetrics(told.now, told.outcomes))
    lines = generate_latest(registry).decode().splitlines()
    for line in (
        'atelier_provider_breaker_state{provider="first",state="open"} 1.0',
        'atelier_provider_breaker_state{provider="second",state="open"} 0.0',
        'atelier_provider_calls_total{outcome="succeeded",provider="first"} 1.0',
        'atelier_provider_calls_total{outcome="server_error",provider="first"} 5.0',
        'atelier_provider_calls_total{outcome="other",provider="second"} 1.0',
        'atelier_provider_calls_limit{provider="first"} 3.0',
    ):
        assert line in lines
