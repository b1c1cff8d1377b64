"""The six services. They meet only through the facts and calls in `shared`."""
