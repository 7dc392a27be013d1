"""The demonstration in a browser: two phones, and the path of a message between them."""
