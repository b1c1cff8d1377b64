"""A step of a start that does nothing, except that `issue-key` prints a new key each time."""

# ruff: noqa: T201 - a step answers on stdout

import secrets
import sys

if sys.argv[1] == "issue-key":
    print(f"atl_{secrets.token_hex(4)}_{secrets.token_hex(8)}")
