"""The cloud assembly: its stacks, the order of their resources, and the values of intrinsics."""
