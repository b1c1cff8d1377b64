"""The REST door, as its application describes itself."""

import json

from services.gateway.app import application


def openapi_page() -> str:
    """`openapi.json`, whole: OpenAPI 3.1."""
    return json.dumps(application().openapi(), indent=2, ensure_ascii=False) + "\n"
