"""Postgres and the broker, each behind its port."""
