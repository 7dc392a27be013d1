"""How requests and answers travel: the Application Load Balancer's HTTP/1, over httptools.

Decided without I/O: head and desync (what a request is, and whether it is refused), headers and
outgoing (what is written), pages (the load balancer's own answers), lambda_bridge (requests as
events), settings, traces. Connections: reader and client on the one side, target and pool on the
other. What joins them for one request: forwarding (to a container), function (to a Lambda
function), the load balancer's own answers in exchange, tunnel after an upgrade. shared holds what
connections have in common; engine is on top.
"""
