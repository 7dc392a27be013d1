"""Event source mappings: pollers that feed functions from streams and queues.

What to do with a batch is decided in `filters` and `batching`, which do no I/O.
"""
