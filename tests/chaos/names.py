"""Every address that somebody could try who knows tasks and pieces, and has no key."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class Staged:
    """What leaks of a staged image: its run and its hash."""

    run: int
    sha256: str


def piece_ids(task_id: str, num_pieces: int) -> list[str]:
    """The ids of a task's pieces: whoever knows the task can compute them."""
    return [str(uuid5(UUID(task_id), str(index))) for index in range(num_pieces)]


def guesses(avatar_id: str, piece_id: str) -> Iterator[str]:
    """Addresses made of ids alone."""
    bare = f"content/{avatar_id}/{piece_id}"
    for key in (f"{bare}.jpg", f"{bare}.png", f"{bare}_thumb.jpg", f"{piece_id}.png"):
        yield f"/objects/{key}"
    for area in ("private", "review"):
        yield f"/objects/{area}/{bare}.png"
        yield f"/objects/{area}/{bare}.jpg"
    yield f"/objects/../review/{bare}.png"
    yield f"/objects/content/{avatar_id}/..%2f..%2f..%2freview%2f{bare}.png"
    yield f"/api/v1/content/pieces/{piece_id}"


def staging_guesses(avatar_id: str, piece_id: str, staged: Staged) -> Iterator[str]:
    """Addresses of somebody who has also seen the hash of the staged image."""
    name = f"{piece_id}/{staged.run}/{staged.sha256}"
    for prefix in ("objects/", "objects/staging/", "objects/OBJ_staging/", "staging/"):
        yield f"/{prefix}{name}"
    yield f"/objects/content/{avatar_id}/{piece_id}_{staged.sha256}.png"


def leaked(*keys: str) -> Iterator[str]:
    """Addresses of somebody who has got hold of true keys, but of no signature."""
    for key in keys:
        yield f"/objects/{key}"
        yield f"/objects/{key}?expires=9999999999&signature={'0' * 64}"
        yield f"/objects/review/{key}"
