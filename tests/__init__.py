"""Claims about Atelier, each checked against the real thing wherever it is cheap enough."""
