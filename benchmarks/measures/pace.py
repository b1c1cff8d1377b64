"""How long vendors take over a piece, and how many pieces each of them works on at a time."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a piece; slots are pieces at a time, as the services ship with them."""

    image_s: float = 4.0
    caption_s: float = 1.5
    judge_s: float = 1.0
    upload_s: float = 0.5
    image_slots: int = 2
    caption_slots: int = 32
    judge_slots: int = 16
    upload_slots: int = 8

    def faster(self, times: float) -> Self:
        """The same waiting, so many times faster."""
        return type(self)(
            self.image_s / times,
            self.caption_s / times,
            self.judge_s / times,
            self.upload_s / times,
        )

    @property
    def own_path_s(self) -> float:
        """What a single piece takes when it never waits for another."""
        return self.image_s + self.caption_s + self.judge_s + self.upload_s

    def images_s(self, pieces: int) -> float:
        """What the images of a batch take by themselves."""
        return -(-pieces // self.image_slots) * self.image_s
