"""When it is, in tests of the front door."""

from datetime import UTC, datetime

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
