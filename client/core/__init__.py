"""The client's decisions, free of I/O: the clock, the random source and the ledger come in."""
