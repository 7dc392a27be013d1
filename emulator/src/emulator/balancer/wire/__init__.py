"""Connections of the Application Load Balancer: its HTTP/1 over httptools.

reader and client are the clients' side, target and pool the other. What responds to one request is
an exchange: forwarding (to a container), function (to a Lambda function), or a response of the load
balancer's own; tunnel is for what follows an upgrade. shared holds what connections have in common;
engine is on top.
"""
