"""Weights on disk, named by their content. A link is never written anywhere."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .download import check_origin, fetch
from .options import Options


@dataclass(frozen=True)
class Known:
    """What the server called the last state of a file, and what that was."""

    etag: str | None
    sha256: str


@dataclass(frozen=True)
class WeightsCache:
    """Asks the server every time; what has not changed there is not fetched again.

    So a link that has expired does not work, whatever is in the cache.
    """

    options: Options

    def weights(self, link: str) -> Path:
        """The file that a link leads to. Raises LoraDownloadFailed."""
        place = check_origin(link, self.options.origins)
        self.options.cache.mkdir(parents=True, exist_ok=True)
        index = self.options.cache / f"{hashlib.sha256(place.encode()).hexdigest()}.json"
        known = self._known(index)
        path = self._fetched(link, index, known)
        os.utime(path)
        self._make_room(path)
        return path

    def _fetched(self, link: str, index: Path, known: Known | None) -> Path:
        handle, name = tempfile.mkstemp(dir=self.options.cache, suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            etag = None if known is None else known.etag
            fetched = fetch(link, part, most_bytes=self.options.most_bytes, known_etag=etag)
            if fetched is None:
                return self._path(known.sha256 if known else "")
            return self._kept(part, index, Known(fetched.etag, fetched.sha256))
        finally:
            part.unlink(missing_ok=True)

    def _kept(self, part: Path, index: Path, known: Known) -> Path:
        path = self._path(known.sha256)
        part.replace(path)
        new = index.with_suffix(".part")
        new.write_text(json.dumps({"etag": known.etag, "sha256": known.sha256}))
        new.replace(index)
        return path

    def _known(self, index: Path) -> Known | None:
        """Only what lies there as it came: a file that was changed is fetched anew."""
        try:
            told = json.loads(index.read_text())
            known = Known(told["etag"], told["sha256"])
            with self._path(known.sha256).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return known if digest == known.sha256 and known.etag else None

    def _path(self, sha256: str) -> Path:
        return self.options.cache / f"{sha256}.safetensors"

    def _make_room(self, needed: Path) -> None:
        """Delete what was not used for longest, but never what is needed now."""
        files = [path for path in self.options.cache.glob("*.safetensors") if path != needed]
        used = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in files)
        excess = sum(size for _, size, _ in used) + needed.stat().st_size
        excess -= self.options.cache_bytes
        for _, size, path in used:
            if excess <= 0:
                return
            with suppress(OSError):
                path.unlink()
                excess -= size
