"""How the database came to its shape, step by step; every step is written by hand."""
