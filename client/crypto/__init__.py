"""What makes a message readable by its devices only, and a device known by its keys."""
