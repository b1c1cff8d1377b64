"""Says what a file is that is not safetensors."""

_KINDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"PK\x03\x04",), "a zip archive, as .ckpt, .bin and .pt files are: a pickle can run code"),
    ((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a pickle, which can run code"),
    ((b"GGUF",), "a GGUF file"),
    ((b"\x1f\x8b",), "compressed with gzip"),
    ((b"<",), "a web page or an error message in XML"),
    ((b"{", b"["), "JSON"),
    ((b"version https://git-lfs",), "a pointer of Git LFS, not the file itself"),
)


def other_kind(head: bytes) -> str | None:
    """What the first bytes look like, in words; None where nobody can tell."""
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    return next((kind for marks, kind in _KINDS if start.startswith(marks)), None)
