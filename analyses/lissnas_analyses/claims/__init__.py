"""`lissnas claims`: the claims of the LISSNAS paper one by one, and what we measured about each.

`claims.toml` has the claims; `claims.py` reads them and writes the table of docs/claims.md.
"""
