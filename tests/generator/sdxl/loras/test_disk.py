"""The disk keeps what is whole, forgets what is old, and is believed only after a look."""

import hashlib
import os
import subprocess
import sys
import threading
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from services.generator.sdxl.loras.keeping.directory import ABANDONED_S, Directory
from services.generator.sdxl.loras.keeping.files import Files, Missing
from services.generator.sdxl.loras.keeping.incoming import Incoming
from services.generator.sdxl.loras.keeping.known import Answer, Known
from services.generator.sdxl.loras.keeping.memory import Memory
from services.generator.sdxl.weights import LoraWeights
from services.generator.sdxl.wishes import FailureCode, NoPicture


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    found = Directory(tmp_path / "loras")
    found.prepare()
    return found


@pytest.fixture
def files(directory: Directory) -> Files:
    return Files(directory, most_bytes=1000)


def put(files: Files, data: bytes, *, age_s: float = 0.0) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    path = files.directory.incoming / f"{sha256}-{threading.get_ident()}"
    path.write_bytes(data)
    files.take_in(path, sha256)
    if age_s:
        place = files.directory.files / sha256
        then = place.stat().st_mtime - age_s
        os.utime(place, (then, then))
    return sha256


async def test_what_comes_in_pieces_is_hashed_and_kept(files: Files) -> None:
    incoming = Incoming(files.directory.incoming)
    data = os.urandom(3 * 2**20 + 17)
    for start in range(0, len(data), 700_000):
        await incoming.write(data[start : start + 700_000])
    sha256 = await incoming.complete()
    assert sha256 == hashlib.sha256(data).hexdigest()
    files.take_in(incoming.path, sha256)
    incoming.discard()
    with files.open(sha256) as file:
        assert file.read() == data
    assert not list(files.directory.incoming.iterdir())


async def test_a_disk_that_takes_little_at_a_time_gets_all(directory: Directory) -> None:
    class Sluggish(FileIO):
        def write(self, data: Any) -> int:
            return super().write(data[:1000])

    incoming = Incoming(directory.incoming, lambda path: cast("BinaryIO", Sluggish(path, "xb")))
    data = os.urandom(2500)
    await incoming.write(data)
    assert await incoming.complete() == hashlib.sha256(data).hexdigest()
    assert incoming.path.read_bytes() == data


async def test_a_full_disk_is_a_failed_download_and_leaves_nothing(directory: Directory) -> None:
    def full(path: Path) -> BinaryIO:
        path.touch()
        return Path("/dev/full").open("wb", buffering=0)

    incoming = Incoming(directory.incoming, full)
    await incoming.write(b"x")
    with pytest.raises(NoPicture, match="no room on the worker's disk") as caught:
        await incoming.complete()
    assert caught.value.code is FailureCode.LORA_DOWNLOAD_FAILED
    incoming.discard()
    assert not list(directory.incoming.iterdir())


async def test_a_disk_that_fails_otherwise_is_a_failed_download_too(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path / "nowhere")
    with pytest.raises(NoPicture, match=r"did not take the file \(FileNotFoundError\)"):
        await incoming.complete()


def test_a_spoiled_file_is_removed(files: Files) -> None:
    sha256 = put(files, b"weights")
    (files.directory.files / sha256).write_bytes(b"wEights")
    with pytest.raises(Missing):
        files.open(sha256)
    assert not files.holds(sha256)
    with pytest.raises(Missing):
        files.open(sha256)


def test_the_least_recently_used_is_removed(files: Files) -> None:
    old, older, oldest = (put(files, bytes([n]) * 300, age_s=n) for n in (10, 20, 30))
    files.open(oldest).close()
    new = put(files, b"n" * 300)
    assert [files.holds(one) for one in (old, older, oldest, new)] == [True, False, True, True]


def test_the_newest_is_kept_whatever_its_size(files: Files) -> None:
    small, large = put(files, b"s", age_s=5), put(files, b"l" * 2000)
    assert [files.holds(one) for one in (small, large)] == [False, True]


def test_a_file_that_is_being_read_may_be_removed(files: Files) -> None:
    sha256 = put(files, b"a" * 600, age_s=5)
    with files.open(sha256) as file:
        os.utime(files.directory.files / sha256, (1, 1))
        put(files, b"b" * 600)
        assert not files.holds(sha256)
        assert file.read() == b"a" * 600


def test_what_a_dead_process_left_is_removed_once_it_is_old(directory: Directory) -> None:
    left, young = directory.incoming / "left", directory.incoming / "young"
    for path in (left, young):
        path.write_bytes(b"half")
    then = young.stat().st_mtime - ABANDONED_S - 1
    os.utime(left, (then, then))
    directory.prepare()
    assert not left.exists()
    assert young.exists()


def test_the_directory_is_private(directory: Directory) -> None:
    for path in (directory.root, directory.files, directory.known, directory.incoming):
        assert path.stat().st_mode & 0o077 == 0


def test_a_killed_holder_of_the_lock_holds_nobody_up(directory: Directory) -> None:
    script = (
        "import fcntl, os, signal, sys\n"
        "file = open(sys.argv[1], 'wb')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    holder = subprocess.run(
        [sys.executable, "-S", "-c", script, directory.root / "lock"], check=False
    )
    assert holder.returncode == -9
    with directory.locked():
        pass


def test_many_put_and_remove_at_the_same_time(files: Files) -> None:
    def busy(number: int) -> None:
        for turn in range(10):
            put(files, bytes([number % 2, turn]) * 100)

    threads = [threading.Thread(target=busy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = list(files.directory.files.iterdir())
    assert sum(path.stat().st_size for path in kept) <= 1000
    for path in kept:
        files.open(path.name).close()


def test_answers_are_known_while_their_files_are_there(files: Files) -> None:
    known = Known(files.directory, files)
    sha256 = put(files, b"weights")
    answer = Answer('"v1"', sha256)
    known.note("ada", answer)
    assert known.answer("ada") == answer
    assert known.answer("bea") is None
    (files.directory.files / sha256).unlink()
    assert known.answer("ada") is None
    known.tidy()
    assert not list(files.directory.known.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"{}", b'{"etag": 1}', b"\xff", b'{"etag": 1, "sha256": 2}'),
        b'{"etag": "1", "sha256": "../lock"}',
    ],
)
def test_a_damaged_note_is_no_note(files: Files, content: bytes) -> None:
    put(files, b"makes the lock")
    (files.directory.known / "ada.json").write_bytes(content)
    assert Known(files.directory, files).answer("ada") is None


def weights(name: str, size: int) -> LoraWeights:
    return LoraWeights(sha256=name, unet={}, text_encoders=({}, {}), rank=1, size_bytes=size)


def test_memory_forgets_the_least_recently_used() -> None:
    memory = Memory(100)
    for name in ("ada", "bea"):
        memory.put(weights(name, 50))
    assert memory.get("ada")
    memory.put(weights("cleo", 40))
    assert [memory.get(name) is not None for name in ("ada", "bea", "cleo")] == [True, False, True]
    assert memory.size_bytes == 90
    memory.put(weights("dora", 101))
    assert memory.get("dora") is None
    assert memory.size_bytes == 90
