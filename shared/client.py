"""The client of NATS, made safe against what strangers publish."""

from nats.aio.client import Client
from nats.aio.msg import Msg


class UnshakenClient(Client):
    """A client that goes on reading whatever a message's headers and subject are made of.

    The library's reading ends for good, and without a word, at the first block of headers that
    has no line end, at a status line or a subject that is not UTF-8; and whoever may publish at
    all may publish such. Headers that cannot be read count as none, strange bytes of a subject
    are spelled out.
    """

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            known: dict[str, str] | None = await super()._process_headers(headers)
        except (IndexError, UnicodeDecodeError):
            return None
        return known

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        message: Msg = super()._build_message(
            sid, _readable(subject), _readable(reply), data, headers
        )
        return message


def _readable(name: bytes) -> bytes:
    return name.decode(errors="backslashreplace").encode()
