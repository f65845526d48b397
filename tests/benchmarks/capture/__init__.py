"""What capture costs the writer, beside doing it by hand, peers, and no audit: `make bench`."""
