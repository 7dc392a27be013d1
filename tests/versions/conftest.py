from tests.lambdas.conftest import emulated, world

__all__ = ["emulated", "world"]
