"""Atelier as it is measured: the real processes, two of them composed for the benchmark."""
