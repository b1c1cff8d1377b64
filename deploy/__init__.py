"""Ways to run Atelier: on one machine, in containers, on a cluster."""
