"""Many rows of a table in one statement: they travel as one document."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Table, TableValuedAlias, bindparam, column, func, select, text
from sqlalchemy.dialects.postgresql import Insert, insert

from services.ledger.adapters.schema.base import Json


def rows_in(name: str, table: Table, columns: Iterable[str]) -> TableValuedAlias:
    """The parameter `name`, a list of rows as JSON has them, with these columns of a table."""
    of_table = text(f"CAST(NULL AS {table.name})")
    typed = [column(each, table.c[each].type) for each in columns]
    sent = func.jsonb_populate_recordset(of_table, bindparam(name, type_=Json))
    return sent.table_valued(*typed, name=name)


def inserting(
    name: str, table: Table, columns: Iterable[str], *conditions: ColumnElement[bool]
) -> Insert:
    """Insert the rows of the parameter `name` in their order, all of them if the conditions hold.

    Conditions are about other things than the rows: they are looked at once.
    """
    rows = rows_in(name, table, columns)
    given = list(rows.c.keys())
    sent = select(*(rows.c[each] for each in given)).where(*conditions)
    return insert(table).from_select(given, sent)
