"""The same hops with nothing done at them: what the broker and a framework alone allow."""
