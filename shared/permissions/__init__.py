"""Who may do what on the broker: one table, from which every user's permissions are derived.

Safety alone writes verdicts, the ledger alone acceptances and ends. Nobody purges or deletes a
stream of facts, and nobody but its user reads an inbox.
"""

from shared.permissions.roles import (
    ASKED_BY_OTHERS,
    FOLLOWED,
    OPERATOR,
    OUTSIDE,
    REPLAYED,
    SERVICES,
    Role,
)
from shared.permissions.subjects import (
    Permissions,
    inbox_of,
    operator_permissions,
    outside_permissions,
    permissions_of,
)

__all__ = [
    "ASKED_BY_OTHERS",
    "FOLLOWED",
    "OPERATOR",
    "OUTSIDE",
    "REPLAYED",
    "SERVICES",
    "Permissions",
    "Role",
    "inbox_of",
    "operator_permissions",
    "outside_permissions",
    "permissions_of",
]
