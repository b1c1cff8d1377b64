"""Which file a store's answer was: identity of the link and ETag, to sha256."""

import json
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass

from services.generator.sdxl.loras.keeping.directory import Directory
from services.generator.sdxl.loras.keeping.files import Files

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A store gave these bytes this ETag."""

    etag: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Known:
    """Good only to ask whether a file has changed: never to spare the question."""

    directory: Directory
    files: Files

    def answer(self, identity: str) -> Answer | None:
        """What the store said last, where the file is still there."""
        try:
            answer = Answer(**json.loads((self.directory.known / f"{identity}.json").read_bytes()))
            whole = _SHA256.fullmatch(answer.sha256) and answer.etag.isascii()
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return answer if whole and self.files.holds(answer.sha256) else None

    def note(self, identity: str, answer: Answer) -> None:
        """Remember an answer, at once or not at all."""
        written = self.directory.incoming / secrets.token_hex(16)
        written.write_text(json.dumps(asdict(answer)))
        written.replace(self.directory.known / f"{identity}.json")

    def forget(self, identity: str) -> None:
        """Ask without a condition next time."""
        (self.directory.known / f"{identity}.json").unlink(missing_ok=True)

    def tidy(self) -> None:
        """Forget all answers whose files are gone."""
        for path in self.directory.known.iterdir():
            if self.answer(path.stem) is None:
                with suppress(FileNotFoundError):
                    path.unlink()
