"""Checks of requests: what AWS rejects before it does anything, and moto lets through."""
