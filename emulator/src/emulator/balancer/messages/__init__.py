"""HTTP messages of the load balancer, without I/O: requests read and judged, heads written.

head and desync say what a request is and whether it is rejected, headers and outgoing what is
written to targets and clients, pages the load balancer's own responses, lambda_bridge the events
and responses of Lambda functions.
"""
