"""Structured logs: JSON for machines or lines for people, secrets masked in both."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

MASK = "***"

_SECRET_FIELD = re.compile(
    r"token|secret|password|api_?key|signing_?key|authorization|credential|cookie|signature",
    re.IGNORECASE,
)
_END = r"\s\"'<>\\"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # What could be a signature: the whole query of a URL.
    (re.compile(rf"(\w+://[^?{_END}]+)\?[^{_END}]+"), rf"\1?{MASK}"),
    (re.compile(rf"(?i)\b(signature|x-amz-[a-z-]+|[a-z_]*token)=[^&{_END}]+"), rf"\1={MASK}"),
    # User info; a password may itself hold an `@`.
    (re.compile(rf"(\w+://)[^/{_END}]*@"), rf"\1{MASK}@"),
    (re.compile(r"\batl_[A-Za-z0-9]+_[A-Za-z0-9_-]+"), f"atl_{MASK}"),
    # Keys of vendors that put a mark on theirs.
    (re.compile(r"\b(sk-|r8_|AKIA|ASIA)[A-Za-z0-9_-]{12,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
)


def mask(text: str) -> str:
    """Remove what could open a door: queries of URLs (signatures), user info, keys, tokens."""
    for secret, replacement in _SECRETS:
        text = secret.sub(replacement, text)
    return text


def mask_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: masks every string, and whole fields whose name tells a secret."""
    for name, value in event.items():
        event[name] = _masked(value, name)
    return event


def _masked(value: object, name: str = "") -> object:
    if value is None or isinstance(value, bool | int | float):
        return value  # `output_tokens=12` is no secret
    if _SECRET_FIELD.search(name):
        return MASK
    if isinstance(value, Mapping):
        return {key: _masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return mask(_text(value))


def _text(value: object) -> str:
    match value:
        case bytes():
            return value.decode(errors="replace")
        case BaseException():
            return repr(value)
    return str(value)


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


def where(exc: BaseException) -> list[str]:
    """Where it was raised, outermost first; not its words, which may hold what somebody sent."""
    places = []
    trace = exc.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places
