"""What moderation needs from the outside."""

from typing import Protocol

from services.safety.domain.submission import Submission
from shared.content import ImagePrint, JudgeReport, Sha256
from shared.outcomes import TryLater


class Busy(TryLater):
    """Somebody is well, and has enough to do: it says nothing about their health."""


class Judge(Protocol):
    """Somebody who can score what is shown to them."""

    @property
    def name(self) -> str:
        """As in settings, the policy and verdicts."""
        ...

    def concerns(self, submission: Submission) -> bool:
        """Whether this judge has to be heard about it. Cheap, and never fails."""
        ...

    async def judge(self, submission: Submission) -> JudgeReport | None:
        """Scores from 0 to 1, or None when this judge cannot judge such a thing.

        Scores only what was judged: a category that was not looked at is left out. Raises
        TryLater when the judge cannot be reached.
        """
        ...


class Prints(Protocol):
    """Who decodes images to compare their looks."""

    async def of(self, image: bytes) -> ImagePrint | None:
        """What the image looks like; None with too little detail to be compared.

        Raises GiveUp(invalid_image) for what nobody can decode whole.
        """
        ...


class Takedowns(Protocol):
    """Who remembers what was taken down."""

    async def are_any(self, tenant: str, sha256: Sha256) -> bool:
        """Whether `like` has to be asked about an image of this tenant, for example this one.

        False where nothing at all was taken down a moment ago. Raises TryLater.
        """
        ...

    async def like(self, tenant: str, sha256: Sha256, image_print: ImagePrint | None) -> str | None:
        """The piece that was taken down and looks the same, if there is one. Raises TryLater."""
        ...
