"""The committed OpenAPI document is valid by the specification."""

import json

from openapi_spec_validator import OpenAPIV31SpecValidator

from docs.generate import DOCS


def test_the_document_is_valid() -> None:
    document = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
