"""Identity and Access Management: which calls of AWS a role may make, and how the others fail."""
