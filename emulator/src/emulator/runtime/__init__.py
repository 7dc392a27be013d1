"""One run of the emulator: from an app and the command line's options to running components.

system starts and stops everything; services makes the components that the template describes,
servers those that need no template. registry has the template's resources made by their providers.
endpoints and lock show other processes where it runs.
"""
