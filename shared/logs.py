"""Structured logs: JSON for machines or lines for people, secrets masked in both."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

MASK = "***"

_SECRET_FIELD = re.compile(r"token|secret|password|api_?key|authorization|signature", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s\"'?<>]+)\?[^\s\"'<>]+")
_USERINFO = re.compile(r"(\w+://)[^/\s@\"']+@")
_KEY = re.compile(r"\batl_[A-Za-z0-9]+_[A-Za-z0-9_-]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")


def mask(text: str) -> str:
    """Remove what could open a door: queries of URLs (signatures), user info, keys, tokens."""
    text = _QUERY.sub(rf"\1?{MASK}", text)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _KEY.sub(f"atl_{MASK}", text)
    return _BEARER.sub(rf"\1 {MASK}", text)


def mask_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: masks every string, and whole fields whose name tells a secret."""
    for name, value in event.items():
        event[name] = MASK if _SECRET_FIELD.search(name) else _masked(value)
    return event


def _masked(value: object) -> object:
    match value:
        case str():
            return mask(value)
        case dict():
            return {
                k: MASK if _SECRET_FIELD.search(str(k)) else _masked(v) for k, v in value.items()
            }
        case list() | tuple():
            return [_masked(item) for item in value]
        case Exception():
            return mask(repr(value))
    return value


def configure(*, service: str, level: str, structured: bool) -> None:
    """Send structlog and the standard library's logs to stderr in one form."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if structured
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, mask_event, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask_event,
                renderer,
            ],
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # These report every request and subscription; what matters we log ourselves.
    for chatty in ("faststream", "httpx2", "httpcore2", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
