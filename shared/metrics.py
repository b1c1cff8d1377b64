"""Figures of a process for Prometheus, where a port for them is set."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from shared.settings import ProcessSettings, fail_misconfigured


@contextmanager
def metrics(settings: ProcessSettings) -> Iterator[CollectorRegistry]:
    """A registry with what is known of every process, served as long as the block lasts.

    Exits, naming the key, when the port cannot be had. Without a port nothing is served.
    """
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    if settings.metrics_port is None:
        yield registry
        return
    try:
        server, thread = start_http_server(
            settings.metrics_port, addr=settings.metrics_host, registry=registry
        )
    except OSError as exc:
        raise fail_misconfigured("METRICS_PORT", exc.strerror or type(exc).__name__) from None
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
