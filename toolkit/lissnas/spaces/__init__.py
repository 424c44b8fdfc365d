"""Search spaces of the literature, one a file."""
