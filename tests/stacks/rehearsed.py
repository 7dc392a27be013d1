"""Synthesized environments as the rehearsal takes them."""

from emulator.rehearsal.rehearsal import Rehearsal, rehearse
from emulator.template.assembly import Assembly, Stack
from stacks.config.environments import Environment
from tests.stacks.synthesized import Synthesized


def assembly(config: Environment, made: Synthesized) -> Assembly:
    place = f"aws://{config.account or 'unknown-account'}/{config.region or 'unknown-region'}"
    prefix = f"{config.project}-{config.name}"
    return Assembly(
        tuple(
            Stack(f"{prefix}-{id.lower()}", template, (), place)
            for id, template in made.stacks.items()
        )
    )


def rehearsed(deployed: Assembly | None, wanted: Assembly) -> Rehearsal:
    """Without the functions of custom resources: these templates are without code."""
    return rehearse(deployed, wanted, call_functions=False)


def stops(rehearsal: Rehearsal) -> set[tuple[str, str]]:
    return {(str(each.kind), each.what) for each in rehearsal.findings if each.kind.stops}
