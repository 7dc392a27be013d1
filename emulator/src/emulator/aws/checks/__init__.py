"""What AWS rejects of a request before it does anything, and moto lets through."""
