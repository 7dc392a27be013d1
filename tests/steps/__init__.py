"""Given, when, then: one vocabulary for tests of the backend's functions."""
