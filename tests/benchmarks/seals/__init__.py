"""What it costs to seal a large log, to verify it, and to seal what is new beside writers."""
