"""Who may do what on the broker."""

from collections.abc import Iterable

from shared.permissions import ASKED_BY_OTHERS, FOLLOWED, OPERATOR, OUTSIDE, REPLAYED, SERVICES
from shared.permissions.roles import Role

_INTRODUCTION = """\
# Permissions on the broker

Written by `python -m docs.generate` from the table in `shared/permissions/roles.py`.

Every service is a user of its own on the broker, known by its nkey (`NATS_NKEY_SEED`), and may do
what its row says and nothing else. Safety alone writes verdicts; the ledger alone acceptances and
ends. Nobody purges or deletes a stream of facts, nobody makes streams or consumers but the
operator, and nobody but its user reads an inbox (`_INBOX_<user>.>`).

Permissions alone would not hold: NATS lets everybody choose where an answer goes, and an empty
answer sent to the API's subject for deleting a stream deletes it. So every user has an account of
its own, which imports exactly what its row allows: an answer ends in the account of who asked.

The embedded mode makes the keys at its first start and writes the server's configuration from the
same table; `endpoint.json` tells where the seeds of `operator` and `outside` lie. On a broker of
your own, set up the same accounts: `deploy/local/nats_accounts.py` writes them as a server's
configuration. A user and password in `NATS_URL` work too, for a broker that you trust everybody on.

What a user may not do is refused without an answer, which looks like a timeout to the one who
asked. The service's log names the subject (`broker.error`), as does the server's. A service whose
key the broker does not know exits with status 2 before it is ready.

## Services

| user | writes | carries | answers | asks | bytes |
|---|---|---|---|---|---|
"""
_OTHERS = """\

## People and other systems

| user | may |
|---|---|
"""


def permissions_page() -> str:
    """The page as text."""
    rows = "".join(map(_row, SERVICES))
    return f"{_INTRODUCTION}{rows}{_OTHERS}{_operator()}{_outside()}"


def _row(role: Role) -> str:
    cells = (
        role.name,
        _listed(fact.NAME for fact in role.writes),
        _listed(step.durable for step in role.carries),
        _listed(call.name for call in role.answers),
        _listed(call.name for call in role.asks),
        _bytes(role),
    )
    return f"| {' | '.join(cells)} |\n"


def _bytes(role: Role) -> str:
    told = (("reads", role.gets), ("puts", role.puts), ("clears", role.clears))
    return "; ".join(f"{verb} {_listed(buckets)}" for verb, buckets in told if buckets) or "—"


def _operator() -> str:
    replayed = _listed(fact.NAME for fact in REPLAYED)
    may = f"provision; look at everything; care for dead letters; send again {replayed}"
    return f"| {OPERATOR} | {may} |\n"


def _outside() -> str:
    may = (
        f"for its own tenant: write {_listed(fact.NAME for fact in ASKED_BY_OTHERS)}; follow and "
        f"look up {_listed(fact.NAME for fact in FOLLOWED)}"
    )
    return f"| {OUTSIDE} | {may} |\n"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "—"
