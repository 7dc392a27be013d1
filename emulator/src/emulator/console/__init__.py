"""A page and a JSON API that show the running system and steer its containers."""
