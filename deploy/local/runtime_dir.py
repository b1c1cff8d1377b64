"""Short private directories for unix sockets, whose paths the kernel limits to about 107 bytes."""

import os
import tempfile
from pathlib import Path

from deploy.local.errors import CannotRun

SOCKET_PATH_LIMIT = 107
# The longest file name that we put in such a directory, with room to spare.
LONGEST_SOCKET_NAME = 40
PREFIX = "atelier-"
SHORT_PLACES = ("/tmp", "/var/tmp")  # noqa: S108 - only for directories made by mkdtemp


class SocketPathTooLong(CannotRun):
    """No directory on this machine is short enough for a unix socket."""


def make_runtime_dir() -> Path:
    """Create a 0700 directory whose sockets fit the kernel's limit."""
    for base in (tempfile.gettempdir(), *SHORT_PLACES):
        longest = len(os.fsencode(base)) + len(PREFIX) + 10 + LONGEST_SOCKET_NAME
        if longest <= SOCKET_PATH_LIMIT and os.access(base, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    raise SocketPathTooLong(
        "no temporary directory has a path short enough for a unix socket; "
        "set TMPDIR to a short one, such as /tmp"
    )
