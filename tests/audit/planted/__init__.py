"""Bugs that are planted in copies of the product, to see that the auditor names them."""
