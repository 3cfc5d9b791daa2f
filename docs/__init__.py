"""The documents, and in `make` what writes their numbers and pictures."""
