"""A file that appears whole under its name, or not at all."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_MODE = 0o666  # less what the process's umask takes away
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NAMELESS = getattr(os, "O_TMPFILE", None)  # Linux, open(2)
_NO_NAMELESS = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}
# Whoever deletes the last file of a folder takes the folder along.
_FOLDER_TRIES = 10
_SUFFIX = ".part"


def create(path: Path, data: bytes, *, unfinished: Path) -> bool:
    """Write `data` to `path`, durably; False if something has that name already.

    Where files without a name exist, one is written and then named: whoever dies meanwhile leaves
    nothing behind. Elsewhere it is written under a name in the directory `unfinished`, which has
    to be in the same file system. Raises OSError.
    """
    with _nameless(unfinished) as descriptor:
        if descriptor is not None:
            _fill(descriptor, data)
            return _name(descriptor, path)
    part = unfinished / f"{secrets.token_hex(16)}{_SUFFIX}"
    descriptor = os.open(part, _NEW, _MODE)
    try:
        try:
            _fill(descriptor, data)
        finally:
            os.close(descriptor)
        return _link(lambda: path.hardlink_to(part), path)
    finally:
        part.unlink(missing_ok=True)


def clear(unfinished: Path, *, older_than_s: float) -> int:
    """Remove what writers that died have left in the directory; how many. Raises OSError."""
    limit = time.time() - older_than_s
    left = [
        part
        for part in unfinished.iterdir()
        if part.suffix == _SUFFIX and part.stat().st_mtime < limit
    ]
    for part in left:
        part.unlink(missing_ok=True)
    return len(left)


@contextlib.contextmanager
def _nameless(directory: Path) -> Iterator[int | None]:
    descriptor = None
    if _NAMELESS is not None:
        try:
            descriptor = os.open(directory, os.O_WRONLY | _NAMELESS, _MODE)
        except OSError as exc:
            if exc.errno not in _NO_NAMELESS:
                raise
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _fill(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _name(descriptor: int, path: Path) -> bool:
    descriptors = os.open("/proc/self/fd", os.O_RDONLY)
    try:
        # By a directory's descriptor: without one, the interpreter does not follow the link.
        return _link(
            lambda: os.link(str(descriptor), path, src_dir_fd=descriptors, follow_symlinks=True),
            path,
        )
    finally:
        os.close(descriptors)


def _link(link: Callable[[], None], path: Path) -> bool:
    for _ in range(_FOLDER_TRIES):
        try:
            link()
        except FileExistsError:
            return False
        except FileNotFoundError:
            # Not `exist_ok`: it fails when the folder vanishes while it looks.
            with contextlib.suppress(FileExistsError):
                path.parent.mkdir(parents=True)
        else:
            return True
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
