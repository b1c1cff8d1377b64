"""What judges are shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Submission:
    """Words and an image that are to be judged together; either may be missing.

    The negative prompt is not among the words: it tells what is not shown.
    """

    prompt: str = ""
    captions: tuple[str, ...] = ()
    image: bytes | None = None
    media_type: str = "image/png"
    drawn: bool = False
    """Whether it claims to be a placeholder; who trusts such a claim looks at the bytes as well."""

    @property
    def text(self) -> str:
        """All its words."""
        return "\n\n".join(part for part in (self.prompt, *self.captions) if part.strip())

    def captions_alone(self) -> "Submission":
        """Its captions and nothing else."""
        return Submission(captions=self.captions)
