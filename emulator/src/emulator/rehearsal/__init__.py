"""The rehearsal of a deployment: what CloudFormation would do and reject, reported before it is
sent.

Two cloud assemblies go in, the one that is deployed (or an empty account) and the one that would
be. `deployment.py` carries the second out on a model of the account, `rules/` look at what
changed, `report.py` prints it.
"""
