"""What the painter draws with: a brush, colours, curves, gradients, and dice that never change."""
