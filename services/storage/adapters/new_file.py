"""Files that appear whole under their names, or not at all."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

_MODE = 0o666  # less what the process's umask takes away
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NAMELESS = getattr(os, "O_TMPFILE", None)  # Linux, open(2)
_NO_NAMELESS = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}
# Whoever deletes the last file of a folder takes the folder along.
_FOLDER_TRIES = 10
_SUFFIX = ".part"

_Link = Callable[[Path], None]

Name = Callable[[Path], bool]
"""Gives a file its name; False if something has that name already. Raises OSError."""


@contextlib.contextmanager
def written(contents: Sequence[bytes], *, unfinished: Path) -> Iterator[list[Name]]:
    """Files that are durable and have no names yet; those without one at the end are gone.

    The names are durable at the end, too. Where files without a name exist, whoever dies
    meanwhile leaves nothing behind. Elsewhere they are written under names in the directory
    `unfinished`, which has to be in the same file system. Raises OSError.
    """
    folders: set[Path] = set()
    with contextlib.ExitStack() as opened:
        files = [opened.enter_context(_opened(unfinished)) for _ in contents]
        for (descriptor, _), data in zip(files, contents, strict=True):
            _fill(descriptor, data)
        # After all are written: what the first one takes along, the others need not wait for.
        for descriptor, _ in files:
            os.fsync(descriptor)
        yield [partial(_name, link, folders) for _, link in files]
        for folder in folders:
            _sync_folder(folder)


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
def _opened(directory: Path) -> Iterator[tuple[int, _Link]]:
    """A new file, and what links it to a path."""
    descriptor = _nameless(directory)
    part = None
    if descriptor is None:
        part = directory / f"{secrets.token_hex(16)}{_SUFFIX}"
        descriptor = os.open(part, _NEW, _MODE)
    try:
        yield descriptor, _link_of(descriptor) if part is None else partial(os.link, part)
    finally:
        os.close(descriptor)
        if part is not None:
            part.unlink(missing_ok=True)


def _nameless(directory: Path) -> int | None:
    if _NAMELESS is None:
        return None
    try:
        return os.open(directory, os.O_WRONLY | _NAMELESS, _MODE)
    except OSError as exc:
        if exc.errno not in _NO_NAMELESS:
            raise
        return None


def _link_of(descriptor: int) -> _Link:
    # Beside an absolute path the descriptor means nothing; without one, the interpreter does not
    # follow the link.
    source = f"/proc/self/fd/{descriptor}"
    return partial(os.link, source, src_dir_fd=descriptor, follow_symlinks=True)


def _fill(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _name(link: _Link, folders: set[Path], path: Path) -> bool:
    # Also where the name is taken: whoever gave it may have died before it was durable.
    folders.add(path.parent)
    for _ in range(_FOLDER_TRIES):
        try:
            link(path)
        except FileExistsError:
            return False
        except FileNotFoundError:
            _make_folder(path.parent)
        else:
            return True
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))


def _make_folder(folder: Path) -> None:
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    # Not `exist_ok`: it fails when the folder vanishes while it looks.
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True)
    for each in new:
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it went with its last file
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
