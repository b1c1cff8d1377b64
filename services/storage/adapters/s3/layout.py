"""Where in which bucket an object lies.

What is private keeps its key, as LoRA weights in the same bucket do; what waits for review lies in
a folder beside. What is public lies in a bucket of its own or, where there is none, in a folder of
which alone a CDN may serve. No key of one area can ever name an object of another.
"""

from dataclasses import dataclass

from services.storage.ports import Area, ObjectMissing

_REVIEW = "review/"
_PUBLIC = "public/"


@dataclass(frozen=True, slots=True)
class Place:
    """An object's name in the store."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Layout:
    """One bucket, or two of which the second is open to anybody."""

    bucket: str
    public_bucket: str | None = None

    def place(self, area: Area, key: str) -> Place:
        """Where an object lies. Raises ObjectMissing for what is another area's."""
        found = Place(self.bucket_of(area), f"{self.folder_of(area)}{key}")
        others = (self.folder_of(other) for other in Area if other is not area)
        if area is Area.PRIVATE and found.key.startswith(tuple(filter(None, others))):
            raise ObjectMissing(key)
        return found

    def bucket_of(self, area: Area) -> str:
        """The bucket of an area."""
        is_apart = area is Area.PUBLIC and self.public_bucket is not None
        return self.public_bucket or "" if is_apart else self.bucket

    def folder_of(self, area: Area) -> str:
        """What precedes an area's keys."""
        match area:
            case Area.REVIEW:
                return _REVIEW
            case Area.PUBLIC if self.public_bucket is None:
                return _PUBLIC
        return ""
