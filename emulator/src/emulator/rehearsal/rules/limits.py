"""Limits of a template and of a stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.rehearsal.changes import Deployment
from emulator.rehearsal.findings import Finding, Kind

# section of a template -> how many entries it may have
ENTRIES: Mapping[str, int] = {
    "Mappings": 200,
    "Outputs": 200,
    "Parameters": 200,
    "Resources": 500,
}
TEMPLATE_BYTES = 1_000_000  # "1 MB" of a template in S3, where CDK puts it
DESCRIPTION_BYTES = 1_024
NEARLY = 0.9


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        template = update.after.template
        for section, most in ENTRIES.items():
            yield from _compared(update.name, section, len(template.get(section, {})), most)
        size = update.after.template_bytes
        yield from _compared(update.name, "template, in bytes", size, TEMPLATE_BYTES)
        description = len(template.get("Description", "").encode())
        yield from _compared(update.name, "Description, in bytes", description, DESCRIPTION_BYTES)


def _compared(stack: str, what: str, value: int, most: int) -> Iterator[Finding]:
    if value > most:
        sentence = f"{value:,} are more than the {most:,} that CloudFormation takes"
        yield Finding(Kind.REJECTED, stack, what, sentence, "Divide the stack")
    elif value > NEARLY * most:
        yield Finding(Kind.NOTE, stack, what, f"{value:,} of at most {most:,}")
