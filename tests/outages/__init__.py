"""What happens to a whole Atelier while a part of it is away, full, restarted or overrun.

`./dev test -m outage tests/outages -rP` runs every scenario in full and shows what was measured;
the default run has the short ones.
"""
