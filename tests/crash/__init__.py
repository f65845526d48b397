"""A server that is killed, process by process, as a crash of it would: while it is written to."""
