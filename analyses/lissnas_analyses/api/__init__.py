"""The functions behind `import lissnas as ln`, and the results that they return.

Every result prints as sentences, shows a table and a picture in a notebook, and has `frame`, `plot` and `save`. Read
`result.py` first, then `shrinking.py`.
"""
