"""Drawn and composed training data with exact labels."""
