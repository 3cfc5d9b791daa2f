"""Drawing: numbers and arrays in, matplotlib figures out. Nothing is estimated here, and nothing written to disk."""
