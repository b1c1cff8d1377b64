"""Every code of a refusal: known to the table, produced for real."""
