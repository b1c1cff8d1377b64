"""Have one image made by one provider, to see whether it works: no broker, no ledger, no books."""
