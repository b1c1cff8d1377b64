"""What has to be alike for samples to take a step together."""

from typing import NamedTuple

LATENT_SCALE = 8


class Canvas(NamedTuple):
    """A size, and whether there is guidance: without, a sample is one row of the batch, not two."""

    width: int
    height: int
    guided: bool

    @property
    def rows(self) -> int:
        """Rows of a batch that one sample takes."""
        return 2 if self.guided else 1

    @property
    def latent(self) -> tuple[int, int]:
        """Height and width in latent pixels."""
        return self.height // LATENT_SCALE, self.width // LATENT_SCALE
