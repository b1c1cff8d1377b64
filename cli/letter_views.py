"""How a dead letter looks to a person and to a machine; secrets are masked in both."""

import json
from typing import Any

from shared.letterbox import KeptLetter
from shared.logs import mask

COLUMNS = ("id", "kept", "reason", "detail", "subject", "bytes", "sent before")
_SHORT = 60


def row(kept: KeptLetter) -> tuple[str, ...]:
    """One line of the list."""
    letter = kept.letter
    return (
        kept.id,
        f"{kept.kept_at:%Y-%m-%d %H:%M:%S}",
        letter.reason,
        _short(mask(letter.detail)),
        _short(letter.subject),
        str(letter.body.size),
        "yes" if kept.replay_of else "",
    )


def fields(kept: KeptLetter) -> dict[str, Any]:
    """Everything but headers and body."""
    letter = kept.letter
    return {
        "id": kept.id,
        "kept_at": kept.kept_at.isoformat(),
        "step": letter.step,
        "subject": letter.subject,
        "sequence": letter.sequence,
        "reason": letter.reason,
        "detail": mask(letter.detail),
        "bytes": letter.body.size,
        "replay_of": kept.replay_of,
    }


def headers(kept: KeptLetter) -> dict[str, str]:
    """The headers of the message, by name."""
    return {name: mask(value) for name, value in sorted(kept.letter.headers.items())}


def readable(body: bytes) -> str:
    """The body as text: indented if it is JSON, its strange bytes spelled out."""
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode(errors="backslashreplace")
    return mask(text)


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
