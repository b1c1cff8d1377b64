"""What was noted during a run, read from a directory of JSON lines.

orders.jsonl    at, key (Idempotency-Key or null), body_sha256, status (null: no answer came),
                task_id, num_pieces — one line for every answer to a POST of an order
provider.jsonl  at, call (the stub's own id of the call), event (asked, given, refused, cut, hung),
                request (its JSON), status, sha256 (of the image given), billed
captioner.jsonl at, call, event (as above), texts (the captions given, none of which another call
                gives), input_tokens, output_tokens, cost_usd_micros (of the whole call, or null),
                billed — a call may be for many pieces
probes.jsonl    at, url (path and query), status, bytes, sha256 — what an anonymous reader got
faults.jsonl    at, kind, target, until
images/         what the provider gave as images, each in a file named by its sha256
run.json        seed, began, ended, pieces, data_dir, deadline_s (seconds after `ended` by which
                every piece shall have ended), and verdict_public_keys (in hex) where they are known

Times are seconds since 1970. A success is billed when the provider finished its work, also when
the answer was cut afterwards.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.audit.servers import CannotJudge


@dataclass(frozen=True, slots=True)
class Order:
    """One answer to an order; `accepted` if the task was promised."""

    at: float
    key: str | None
    body_sha256: str
    status: int | None
    task_id: str | None
    num_pieces: int

    @property
    def accepted(self) -> bool:
        """Whether the door said that the order will be carried out."""
        return self.status is not None and 200 <= self.status < 300 and self.task_id is not None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A line of the provider's own log."""

    at: float
    call: str
    event: str
    request: Mapping[str, Any]
    sha256: str | None
    billed: bool


@dataclass(frozen=True, slots=True)
class CaptionEvent:
    """A line of the log of whoever writes captions. `cost_usd_micros` is of the whole call."""

    at: float
    call: str
    event: str
    texts: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    cost_usd_micros: int | None
    billed: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """What an anonymous reader got for a path."""

    at: float
    path: str
    status: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done to the system."""

    at: float
    kind: str
    target: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """The frame of a run."""

    began: float
    ended: float
    deadline_s: float
    data_dir: str
    verdict_public_keys: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was noted. `provider` and `captioner` are None where nobody kept a log."""

    run: Run
    orders: tuple[Order, ...] = ()
    provider: tuple[ProviderEvent, ...] | None = None
    captioner: tuple[CaptionEvent, ...] | None = None
    probes: tuple[Probe, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_evidence(directory: Path) -> Evidence:
    """Read a directory of evidence. Raises CannotJudge for a missing run or a broken line."""
    provider, captioner = directory / "provider.jsonl", directory / "captioner.jsonl"
    try:
        return Evidence(
            run=_run(json.loads((directory / "run.json").read_text())),
            orders=tuple(_order(line) for line in _lines(directory / "orders.jsonl")),
            provider=tuple(_event(line) for line in _lines(provider))
            if provider.exists()
            else None,
            captioner=tuple(_caption_event(line) for line in _lines(captioner))
            if captioner.exists()
            else None,
            probes=tuple(_probe(line) for line in _lines(directory / "probes.jsonl")),
            faults=tuple(_fault(line) for line in _lines(directory / "faults.jsonl")),
        )
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise CannotJudge(f"{directory}: {type(exc).__name__}: {exc}") from exc


def _lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines: whoever was killed while writing may have left half a last one."""
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.split("\n") if line]


def _order(line: Mapping[str, Any]) -> Order:
    return Order(
        at=line["at"],
        key=line["key"],
        body_sha256=line["body_sha256"],
        status=line["status"],
        task_id=line["task_id"],
        num_pieces=line["num_pieces"],
    )


def _event(line: Mapping[str, Any]) -> ProviderEvent:
    return ProviderEvent(
        at=line["at"],
        call=str(line["call"]),
        event=line["event"],
        request=line["request"] or {},
        sha256=line["sha256"],
        billed=line["billed"],
    )


def _caption_event(line: Mapping[str, Any]) -> CaptionEvent:
    return CaptionEvent(
        at=line["at"],
        call=str(line["call"]),
        event=line["event"],
        texts=tuple(line["texts"]),
        input_tokens=line["input_tokens"],
        output_tokens=line["output_tokens"],
        cost_usd_micros=line["cost_usd_micros"],
        billed=line["billed"],
    )


def _probe(line: Mapping[str, Any]) -> Probe:
    return Probe(at=line["at"], path=line["url"], status=line["status"], sha256=line["sha256"])


def _fault(line: Mapping[str, Any]) -> Fault:
    return Fault(at=line["at"], kind=line["kind"], target=line["target"], until=line["until"])


def _run(whole: Mapping[str, Any]) -> Run:
    keys = whole.get("verdict_public_keys")
    return Run(
        began=whole["began"],
        ended=whole["ended"],
        deadline_s=whole["deadline_s"],
        data_dir=whole["data_dir"],
        verdict_public_keys=None if keys is None else tuple(keys),
    )
