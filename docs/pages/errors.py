"""Every code and every reason, with what it means and what to do."""

from collections.abc import Mapping

from shared import reasons
from shared.problem_kinds import PROBLEM_KINDS, ProblemKind

_INTRODUCTION = """\
# Errors

Written by `python -m docs.generate` from the tables in `shared/problem_kinds` and
`shared/reasons.py`.

Every refusal at the REST door is a problem of
[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) with the media type `application/problem+json`:

```json
{
  "type": "urn:atelier:problem:avatar_without_lora",
  "title": "Avatar without lora",
  "status": 400,
  "detail": "Avatar has no trained LoRA weights",
  "code": "avatar_without_lora",
  "instance": "/api/v1/content/batch",
  "field": "avatar_id"
}
```

`code` is for programs and never changes its status or its meaning; `detail` is for people and may
change. `field` names the input it is about, `errors` every input at fault, `task_id` and
`task_url` the task where there is one. 429 and 503 come with `Retry-After`, 504 and `not_confirmed`
with `Location`, the task that goes on. What is not HTTP at all is answered by the server itself,
in plain text. A request by event is refused with `task.refused`, whose `problem` has the same
codes.
"""
_CODES = """\
## Codes

Door: where the code is given. REST is the HTTP API, event is `task.refused`.

| code | status | door | what it means | what to do |
|---|---|---|---|---|
"""
_INSIDE = """\
## Codes between services

No door gives these: what causes them is refused earlier, in other words, or is our own mistake.

| code | status | what it means | what to do |
|---|---|---|---|
"""
_FIELDS = """\
## Codes in `errors`

What is wrong with a field of a `validation_error`. Codes that are not here are
[pydantic's](https://docs.pydantic.dev/latest/errors/validation_errors/), for example `missing`,
`extra_forbidden` or `less_than_equal`.
"""
_FAILED = """\
## Why pieces fail

The `reason` of `content.failed`, of a task's `reasons` and of a piece. A waiting request answers
with the code of the same name where there is one, else with `generation_failed`.
"""
_REJECTED = """\
## Why pieces are rejected

The `reason` of `content.rejected`; a waiting request answers `content_rejected`.
"""
_DEAD_LETTERS = """\
## Why messages become dead letters

A message that cannot be read is put aside whole, with its reason, and stops nothing behind it. A
handover (`avatar.ready`) that is refused is put aside with the code of its refusal.
"""


def errors_page() -> str:
    """`errors.md`, whole."""
    kinds = PROBLEM_KINDS.values()
    return "\n".join(
        (
            _INTRODUCTION,
            _CODES + "".join(_at_a_door(kind) for kind in kinds if kind.doors),
            _INSIDE + "".join(_between_services(kind) for kind in kinds if not kind.doors),
            _FIELDS + _reasons("code", reasons.FIELDS),
            _FAILED + _reasons("reason", reasons.FAILED),
            _REJECTED + _reasons("reason", reasons.REJECTED),
            _DEAD_LETTERS + _reasons("reason", reasons.DEAD_LETTERS),
        )
    )


def _at_a_door(kind: ProblemKind) -> str:
    doors = ", ".join(kind.doors)
    return f"| `{kind.code}` | {kind.status} | {doors} | {kind.meaning} | {kind.remedy} |\n"


def _between_services(kind: ProblemKind) -> str:
    return f"| `{kind.code}` | {kind.status} | {kind.meaning} | {kind.remedy} |\n"


def _reasons(title: str, known: Mapping[str, str]) -> str:
    rows = "".join(f"| `{reason}` | {meaning} |\n" for reason, meaning in known.items())
    return f"\n| {title} | what it means |\n|---|---|\n{rows}"
