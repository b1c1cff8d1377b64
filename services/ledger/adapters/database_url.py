"""The usual Postgres URL, made fit for the driver."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_SCHEMES = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})
_OPTIONS = {"host": "host", "port": "port", "sslmode": "ssl"}


def driver_url(text: str) -> URL:
    """Read `postgresql://user:password@host/db` or `postgresql://user@/db?host=/socket/dir`.

    Raises ValueError, without the URL in its message: that may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("must be a URL like postgresql://user:password@host/database") from None
    if url.drivername not in _SCHEMES:
        raise ValueError("must begin with postgresql://")
    if not url.database:
        raise ValueError("must name a database")
    unknown = sorted(set(url.query) - set(_OPTIONS))
    if unknown:
        raise ValueError(
            f"does not know the options {', '.join(unknown)}; only host, port, sslmode"
        )
    options = {_OPTIONS[name]: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=options)
