"""`emulate rehearse`: compares two cloud assemblies before anything is sent."""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from emulator.rehearsal import assemblies, report
from emulator.rehearsal.rehearsal import rehearse


def run(options: argparse.Namespace) -> int:
    """0 where nothing is rejected and no data goes, else 1."""
    began = time.monotonic()
    project, state = options.project, options.state_dir / "rehearsal"
    context = dict(options.context)
    with ThreadPoolExecutor(2) as beside:
        commit = assemblies.commit_of(project, options.since) if options.since else ""
        old = (
            beside.submit(assemblies.of_revision, project, state, commit, options.env, context)
            if commit
            else None
        )
        changed = {**context, **dict(options.change)}
        new = beside.submit(assemblies.of_working_tree, project, state, options.env, changed)
        deployed, wanted = old.result() if old else None, new.result()
    result = rehearse(deployed, wanted, accept=options.accept)
    if commit:
        notes = assemblies.other_versions(project, state, commit)
        result = replace(result, findings=(*result.findings, *notes))
    since = f"what {options.since} deployed" if commit else "an empty account"
    title = f"{options.env}: from {since} to the working tree"
    if options.json:
        json.dump(report.as_document(result, title), sys.stdout, indent=1)
        print()
    else:
        print(report.as_text(result, title), end="")
        print(f"({time.monotonic() - began:.1f} s)")
    return 1 if result.stops else 0
