"""What is measured of a running Atelier, one measure a file."""
