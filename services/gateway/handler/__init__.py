"""Every answer of the front door: one module for each kind of thing it can be asked about."""
