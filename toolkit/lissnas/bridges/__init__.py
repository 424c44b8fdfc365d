"""Bridges to the tools that people search with, one file a tool: a shrunk space leaves, and what was found returns."""
