"""The ledger's jobs: accept, note, end, sweep and relay."""
