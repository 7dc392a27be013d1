"""The protocol `chat.v1`: its documents, and the types of both clients, made from its schemas."""
