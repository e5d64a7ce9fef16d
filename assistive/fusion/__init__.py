"""What all streams say together, and whether it is meant."""
