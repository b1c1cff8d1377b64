"""Generated documents are current, and documents point at things that exist."""

import re

import pytest

from docs.generate import DOCS, PAGES
from docs.pages.settings import SERVICES, settings_of

LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
DOCUMENTS = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_document_is_what_its_source_says(name: str) -> None:
    current = PAGES[name]() == (DOCS / name).read_text(encoding="utf-8")
    assert current, "run `python -m docs.generate`"


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_says_what_it_is_and_shows_an_example(service: str) -> None:
    for name, field in settings_of(service).model_fields.items():
        assert field.description, name
        assert field.examples, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: object) -> None:
    assert isinstance(document, type(DOCS))
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_decisions_are_short() -> None:
    for decision in (DOCS / "adr").glob("*.md"):
        assert len(decision.read_text(encoding="utf-8").split()) < 300, decision.name
