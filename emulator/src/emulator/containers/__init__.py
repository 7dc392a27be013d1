"""ECS services: the image's command as processes, registered with their target groups."""
