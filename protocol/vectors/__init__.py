"""Vectors that the Python and the TypeScript client are both tested with.

Nothing here uses the clients' code: the vectors are a second opinion.
"""
