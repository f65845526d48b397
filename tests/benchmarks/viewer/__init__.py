"""How fast the viewer is over a log of millions of entries: `make bench-viewer`."""
