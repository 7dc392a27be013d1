"""Elastic Load Balancing: an Application Load Balancer over containers and functions."""
