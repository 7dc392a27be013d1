"""The Application Load Balancer's data plane: HTTP/1 on both sides over httptools.

Decided without I/O: head and desync (what a request is, and whether it is refused), outgoing (what
is written), traces. Connections: reader and client on the one side, target and pool on the other.
What joins them for one request: forwarding (to a container), function (to a Lambda function), the
load balancer's own answers in exchange, tunnel after an upgrade. engine holds it all together.
"""
