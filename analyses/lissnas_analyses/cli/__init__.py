"""The command line, one file per command.

A command parses its options, calls the library, prints, and returns its kind of JSON document. Read `app.py` first,
then `locality.py` as an example. The commands about results are in `results`, those of `lissnas supernet` in
`supernet`. What commands share is in `shared`.
"""
