"""What becomes of a request: which rule it takes, and what that rule does with it."""
