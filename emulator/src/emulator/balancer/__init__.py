"""Elastic Load Balancing: an Application Load Balancer over containers and functions, and a Network
Load Balancer over the same targets.

messages: HTTP requests and responses, without I/O. targets: which target gets a request. listener:
rules, conditions and actions. routing, stickiness and request_handler decide with these. wire: the
connections. network: the same for TCP. provider and application read what the template asks for.
"""
