"""The text forms of architectures, one file a benchmark; `lissnas.bridges.dialects` reads and writes them by name."""
