"""The emulator: runs a CDK app on one machine, from its own CloudFormation templates.

cli: the command `emulate`. runtime: one run, which starts and connects all the rest. template: the
cloud assembly and its values. balancer, containers, events, functions, gateway, push, resources:
one folder for each kind of resource. aws: the server behind them. console: the page that shows it.
rehearsal: what a deployment would do. The modules beside this one are what all of them use.
"""
