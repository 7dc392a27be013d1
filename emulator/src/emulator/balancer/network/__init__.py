"""The Network Load Balancer: TCP connections, each to one target by its source address."""
