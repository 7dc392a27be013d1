"""The Application Load Balancer's data plane: HTTP/1 on both sides over httptools.

What is decided without I/O stands in head, desync and outgoing; the connections are in client and
target, what joins two of them in exchange, function and tunnel, and all of it in listener.
"""
