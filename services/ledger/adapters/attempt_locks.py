"""Provider calls, held in the one order of all that hold several."""

from sqlalchemy import CTE, Select, select

from services.ledger.adapters.conditions import named
from services.ledger.adapters.schema import attempts


def attempts_held(name: str) -> CTE:
    """The calls whose ids are the parameter `name`, held by the statement that this is a part of.

    It changes them by joining with this: no two such statements wait for each other.
    """
    return _holding(name).cte("attempts_held")


def _holding(name: str) -> Select[tuple[str]]:
    return (
        select(attempts.c.attempt_id)
        .where(named(attempts.c.attempt_id, name))
        .order_by(attempts.c.attempt_id)
        .with_for_update()
    )
