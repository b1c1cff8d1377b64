"""The whole document."""

import json

from docs.pages.asyncapi.channels import channels
from docs.pages.asyncapi.messages import messages
from docs.pages.asyncapi.operations import operations
from docs.pages.asyncapi.parties import TAGS
from docs.pages.asyncapi.schemas import schemas
from services.gateway.app import VERSION

_DESCRIPTION = """\
Images of trained AI avatars at scale: six services that tell each other facts over NATS JetStream.

Channels tagged `outside` are for other systems as well. They write `task.requested` to order and
`avatar.ready` to hand over an avatar's weights; the answer to an order is `task.accepted` or
`task.refused`, and every later fact of the task has its id in the subject. Channels tagged `inside`
are our own. `x-services` names the services that do an operation.

A fact is an event of CloudEvents 1.0 in binary mode, written once, never changed, and kept for a
day. A version of a fact only gains optional fields, so readers ignore what they do not know. Where
several installations share a server, every subject begins with the installation's name.
"""
_NKEY = {
    "type": "asymmetricEncryption",
    "description": "An NKey of the user: the server sends a nonce, the client signs it.",
}


def asyncapi_page() -> str:
    """`asyncapi.json`, whole: AsyncAPI 3.0."""
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Atelier",
            "version": VERSION,
            "description": _DESCRIPTION,
            "tags": list(TAGS),
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{address}",
                "protocol": "nats",
                "description": "A NATS server with JetStream, at `NATS_URL`.",
                "variables": {"address": {"default": "127.0.0.1:4222"}},
                "security": [{"$ref": "#/components/securitySchemes/nkey"}],
            }
        },
        "channels": channels(),
        "operations": operations(),
        "components": {
            "schemas": schemas(),
            "messages": messages(),
            "securitySchemes": {"nkey": _NKEY},
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
