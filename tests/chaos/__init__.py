"""Kill, pause and cut a whole Atelier while it works, and see that every piece still ends once."""
