"""Image providers and the ledger, one file each."""
