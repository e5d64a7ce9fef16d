"""A camera sees a hand and a face; the machine works out what the person means and says it aloud."""

__version__ = "0.1.0"
