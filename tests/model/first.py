"""For each mutant a schedule that shows it, which is tried before any other: that saves minutes.

`python -m tests.model.first` looks for them anew, after a step or a fault was added to the model.
"""

import json
import re
import sys
from pathlib import Path

FILE = Path(__file__).with_name("first_schedules.json")
FIRST_SCHEDULES: dict[str, int] = json.loads(FILE.read_text()) if FILE.exists() else {}
ENOUGH = 100


def main(names: list[str]) -> None:
    """Of the mutants that are named, or of all; one that none shows is left out."""
    from unittest.mock import patch

    from tests.model.failures import fault_of
    from tests.model.mutants import MUTANTS
    from tests.model.small import small

    found = {mutant.name: FIRST_SCHEDULES.get(mutant.name, 0) for mutant in MUTANTS}
    with small():
        for mutant in MUTANTS:
            if names and mutant.name not in names:
                continue
            with patch.object(mutant.owner, mutant.attribute, mutant.instead):
                for seed in (found[mutant.name], *range(ENOUGH)):
                    fault = fault_of(seed, more_of=mutant.more_of)
                    if isinstance(fault, AssertionError) and re.search(
                        mutant.caught_as, str(fault)
                    ):
                        found[mutant.name] = seed
                        sys.stderr.write(f"{mutant.name}: {seed}\n")
                        break
                else:
                    sys.stderr.write(f"{mutant.name}: none of {ENOUGH}\n")
                    del found[mutant.name]
            FILE.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
