"""One module for each generated document; `docs.generate` writes them."""
