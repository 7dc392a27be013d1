"""The AWS services behind the emulator: a moto server in a process of its own, with what moto
leaves out put right (each module here says what and why)."""
