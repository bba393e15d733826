"""IAM's decision, as pure functions: policies and a request in, a decision out. No I/O, no clock, no store."""
