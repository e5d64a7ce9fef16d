"""How good and how fast the system is, measured with the code that runs, never with a copy of it."""
