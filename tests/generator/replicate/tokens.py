"""Secrets of these tests, and those who must not be asked for any."""

from services.generator.ports import NoteCallId

TOKEN = "r8_canary-replicate-token"


class NoLinks:
    async def sign(self, key: str, *, fresh: bool = False) -> str:
        raise AssertionError("a provider without weights needs no link")


def notes_into(noted: list[str]) -> NoteCallId:
    async def note(call_id: str) -> None:
        noted.append(call_id)

    return note
