"""Installs each peer as its own manual says; run with the Python of build/peers, not with ours."""
