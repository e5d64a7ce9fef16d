"""Readers of data sets: each yields the same few types, split by person."""
