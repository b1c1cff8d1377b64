"""Have captions written: for events in batches, by calls on the books; for calls at once."""
