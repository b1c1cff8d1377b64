"""How a LoRA is refused: a sentence for the caller, without a secret and without surprises."""

from services.generator.sdxl.wishes import FailureCode, NoPicture

_LONGEST = 120


def unusable(detail: str) -> NoPicture:
    """The file is there, but no image can be made with it."""
    return NoPicture(FailureCode.LORA_LOAD_FAILED, detail)


def unreachable(detail: str) -> NoPicture:
    """The file could not be had."""
    return NoPicture(FailureCode.LORA_DOWNLOAD_FAILED, detail)


def shown(name: str) -> str:
    """A name out of a stranger's file or answer: printable ASCII, shortened, in backticks."""
    cut = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
    plain = "".join(sign if " " <= sign <= "~" and sign != "`" else "?" for sign in cut)
    return f"`{plain}`"
