"""Elastic Load Balancing: an Application Load Balancer over containers and functions, and a Network
Load Balancer over the same targets.

listener: what becomes of a request. targets: which target gets it. wire: its bytes, both ways.
network: the same for TCP connections. Here: what the template asks for (provider, application),
how it is described, and what joins listener and targets (routing, stickiness).
"""
