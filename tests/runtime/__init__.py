"""The stage runtime against a real broker: one claim a test, one test for every known trap."""
