"""Write the generated documents: `python -m docs.generate` (`--check` only compares)."""

import sys
from pathlib import Path

from docs.pages.asyncapi.document import asyncapi_page
from docs.pages.errors import errors_page
from docs.pages.openapi import openapi_page
from docs.pages.permissions import permissions_page
from docs.pages.settings import settings_page

DOCS = Path(__file__).parent
PAGES = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "permissions.md": permissions_page,
    "openapi.json": openapi_page,
    "asyncapi.json": asyncapi_page,
}


def main(arguments: list[str]) -> int:
    """Write every page, or with `--check` say which ones are not current."""
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    verb = "not current" if "--check" in arguments else "written"
    for name in stale:
        print(f"docs/{name}: {verb}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
