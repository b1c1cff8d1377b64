"""One Atelier with preview images for the tests that only order and look."""

from collections.abc import Iterator

import pytest

from tests.e2e.system import System, running


@pytest.fixture(scope="package")
def atelier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Six processes that draw previews, in a path with a space and an umlaut."""
    with running(tmp_path_factory.mktemp("Größe und Raum") / "data") as system:
        yield system
