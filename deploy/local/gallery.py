"""The demo's pictures on one page, for whoever would rather look than read a table."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from deploy.local.private_files import write_private

FILE_NAME = "gallery.html"

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; background: #f6f5f2; color: #222 }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.5rem }
figure { margin: 0; background: #fff; border-radius: .6rem; overflow: hidden }
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #e9e7e2; display: block }
figcaption { padding: .8rem 1rem 1rem; white-space: pre-line }
small { display: block; color: #666; margin-bottom: .4rem }
"""


def write_gallery(directory: Path, pieces: Sequence[Mapping[str, Any]]) -> Path:
    """Write the page for its owner alone: it holds signed links, which expire."""
    path = directory / FILE_NAME
    write_private(path, _page(pieces).encode())
    return path


def _page(pieces: Sequence[Mapping[str, Any]]) -> str:
    figures = "\n".join(map(_figure, pieces))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>Atelier: {len(pieces)} pieces</title>\n<style>{_STYLE}</style>\n"
        f"<h1>{len(pieces)} pieces</h1>\n<main>\n{figures}\n</main>\n</html>\n"
    )


def _figure(piece: Mapping[str, Any]) -> str:
    told = " · ".join(
        str(word)
        for word in (
            piece["access_tier"],
            piece["safety_rating"],
            piece["metadata"]["provider"],
            str(piece["id"])[:8],
        )
    )
    return (
        f'<figure><a href="{escape(piece["url"])}">'
        f'<img src="{escape(piece["thumbnail_url"])}" alt="piece {escape(str(piece["id"]))}"></a>'
        f"<figcaption><small>{escape(told)}</small>{escape(piece['hook_text'] or '')}</figcaption>"
        "</figure>"
    )
