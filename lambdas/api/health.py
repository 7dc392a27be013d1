"""GET /api/health: this target answers. It asks nothing of AWS.

If it did, one slow table would take every target out of the load balancer at once, where waiting or
a refusal of a single request is all that is called for.
"""

from lambdas.api.call import Answer, Call


def health(call: Call) -> Answer:
    pool, _, instance = call.served_by.partition("/")
    return Answer(200, {"status": "ok", "pool": pool, "instance": instance})
