"""The client's state on disk."""

from client.store.store import Store

__all__ = ["Store"]
