"""Leave root behind for Postgres, which refuses to run as uid 0."""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import CannotRun
from deploy.local.processes import TETHER

PASS_ONLY = 0o011
PREFERRED_USERS = ("postgres", "nobody")


class CannotLeaveRoot(CannotRun):
    """Neither a user namespace nor another user can run Postgres here."""


@dataclass(frozen=True, slots=True)
class Descent:
    """How a child stops being root: options for the tether, and who must own its files."""

    options: tuple[str, ...] = ()
    owner: tuple[int, int] | None = None

    def own(self, directory: Path) -> None:
        """Hand `directory` and all in it to the owner this descent needs."""
        if self.owner is None or not directory.exists():
            return
        if _owned_by(directory, self.owner):
            return
        for parent, _, files in os.walk(directory):
            for path in (Path(parent), *(Path(parent, name) for name in files)):
                os.chown(path, *self.owner, follow_symlinks=False)

    def pass_through(self, directory: Path) -> None:
        """Let another user pass `directory`, without reading it, to what it owns inside."""
        if self.owner is not None and self.owner[0] != os.geteuid():
            directory.chmod(directory.stat().st_mode | PASS_ONLY)


def choose_descent(program: Path, data_dir: Path, uid: int | None = None) -> Descent:
    """Find a way that lets `program` run and reach `data_dir`; `uid` is ours unless given.

    Raises CannotLeaveRoot, naming what to do, when we are root and there is none.
    """
    if (os.geteuid() if uid is None else uid) != 0:
        return Descent()
    user = _unprivileged_user()
    # A namespace first: there root's own files stay root's and nothing has to be reachable.
    namespace = Descent(("--map-user", str(user.pw_uid)), (os.geteuid(), os.getegid()))
    if _works(namespace, program):
        return namespace
    ids = (str(user.pw_uid), str(user.pw_gid))
    switch = Descent(("--user", ids[0], "--group", ids[1]), (user.pw_uid, user.pw_gid))
    switch.pass_through(data_dir.parent)
    if _works(switch, program, "--reach", str(data_dir.parent)):
        return switch
    raise CannotLeaveRoot(
        "Postgres does not run as root, user namespaces are not allowed here, and the user "
        f"{user.pw_name!r} cannot reach {program} or {data_dir.parent}.\n"
        "Run as an ordinary user, or put the clone and the data directory where that user can "
        "read them, or set DATABASE_URL to a Postgres of your own."
    )


def _unprivileged_user() -> pwd.struct_passwd:
    users = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid != 0}
    for name in PREFERRED_USERS:
        if name in users:
            return users[name]
    if not users:
        raise CannotLeaveRoot("this machine has no user but root; set DATABASE_URL instead")
    return next(iter(users.values()))


def _works(descent: Descent, program: Path, *extra: str) -> bool:
    command = [sys.executable, "-I", "-S", str(TETHER), *descent.options, *extra]
    probe = subprocess.run(  # noqa: S603 - our own tether
        [*command, "--", str(program), "--version"], capture_output=True, check=False
    )
    return probe.returncode == 0


def _owned_by(directory: Path, owner: tuple[int, int]) -> bool:
    stat = directory.stat()
    return (stat.st_uid, stat.st_gid) == owner
