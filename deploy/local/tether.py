"""Become another program that dies with its parent and, if asked, is not root.

A listening socket is handed down as systemd does it: sd_listen_fds(3).

Run by path (`python -I -S tether.py … -- PROGRAM ARG…`), so it keeps to the standard library.
"""

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
EXIT_CANNOT_BECOME = 126
LISTENER = 3  # where sd_listen_fds(3) has it


def main(argv: list[str]) -> None:
    """Apply the options in `argv`, then replace this process by the program named after them."""
    options = _parse(argv)
    libc = ctypes.CDLL(None, use_errno=True)
    if options.map_user is not None:
        map_user(libc, options.map_user)
    if options.user is not None:
        switch_user(options.user, options.group)
    if options.reach is not None:
        os.chdir(options.reach)
    # After the change of user: the kernel forgets the parent-death signal when credentials change.
    if options.parent is not None:
        die_with_parent(libc, options.parent, options.death_signal)
    if options.listener is not None:
        hand_down(options.listener)
    # No shell: this process is to become the program, and keep its id.
    os.execvp(options.program[0], options.program)  # noqa: S606


def map_user(libc: ctypes.CDLL, uid: int) -> None:
    """Enter a user namespace in which we are `uid`; on disk our files stay our own."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
    _write("/proc/self/gid_map", f"{uid} {outer_gid} 1")


def switch_user(uid: int, gid: int) -> None:
    """Become another user for good, with no supplementary groups."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(libc: ctypes.CDLL, parent: int, signal_number: int) -> None:
    """Ask the kernel for `signal_number` when the parent dies; no more where it cannot."""
    if not hasattr(libc, "prctl"):
        return
    libc.prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        # It died before we asked, so no signal would ever come.
        sys.exit(EXIT_CANNOT_BECOME)


def hand_down(listener: int) -> None:
    """Leave the socket where the program looks for it, and say that it is meant for it."""
    os.dup2(listener, LISTENER)
    if listener != LISTENER:
        os.close(listener)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tether")
    parser.add_argument("--parent", type=int)
    parser.add_argument("--death-signal", type=int, default=9)
    parser.add_argument("--map-user", type=int)
    parser.add_argument("--user", type=int)
    parser.add_argument("--group", type=int)
    parser.add_argument("--reach")
    parser.add_argument("--listener", type=int)
    parser.add_argument("program", nargs="+")
    return parser.parse_args(argv)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as exc:
        sys.stderr.write(f"tether: {exc}\n")
        sys.exit(EXIT_CANNOT_BECOME)
