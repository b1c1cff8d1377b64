"""What the driver and the toolkit raise, in our words: a database that is away means try later."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.outcomes import TryLater

_PASSING = ("08", "25006", "40", "53", "55", "57", "58")
"""SQLSTATE prefixes of what passes by itself: connection, read-only standby, rollback (deadlock),
resources, locks, operator and system
(https://www.postgresql.org/docs/18/errcodes-appendix.html)."""

_REFUSED = ("28", "3D")
"""SQLSTATE prefixes of a login or database name that is wrong and stays wrong."""


class AccessRefused(Exception):
    """The server answers but does not let us in: wrong user, password or database."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise TryLater for what passes and AccessRefused for what does not let us in."""
    try:
        yield
    except PoolTimeoutError as exc:
        raise TryLater("database: every connection is busy") from exc
    except DBAPIError as exc:
        ours = _ours(exc.orig, lost=exc.connection_invalidated)
        if ours is None:
            raise
        raise ours from exc
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as exc:
        # While connecting the driver's own errors come through bare, and so does its confusion
        # when the server dies under a question.
        ours = _ours(exc, lost=not isinstance(exc, asyncpg.PostgresError))
        if ours is None:
            raise
        raise ours from exc
    except (OSError, TimeoutError) as exc:
        raise TryLater(f"database: {type(exc).__name__}") from exc


def _ours(original: BaseException | None, *, lost: bool) -> Exception | None:
    state = str(getattr(original, "sqlstate", None) or "")
    if state.startswith(_REFUSED):
        return AccessRefused(str(original))
    if lost or state.startswith(_PASSING):
        return TryLater(f"database: {type(original).__name__} {state}".rstrip())
    return None
