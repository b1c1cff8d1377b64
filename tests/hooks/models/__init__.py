"""Models behind servers of ours that speak their vendors' formats."""
