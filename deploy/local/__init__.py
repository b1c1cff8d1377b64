"""Embedded mode: broker, database and every service on one machine, from wheels."""
