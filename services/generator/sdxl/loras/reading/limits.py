"""How large a file, its header and its ranks may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """`rank`: what the engine has room for. Above it a file is reduced, or refused."""

    file_bytes: int = 512 * 2**20
    header_bytes: int = 8 * 2**20
    rank: int = 64
    reduces: bool = True
