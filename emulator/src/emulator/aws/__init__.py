"""The AWS services behind the emulator: a moto server in a process of its own, with corrections of
moto (each module here states what it corrects, and its source)."""
