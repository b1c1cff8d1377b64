"""What is on the wire stays readable: golden facts and round trips."""
