"""Locality in neural-architecture search spaces, and shrinking them by it."""
