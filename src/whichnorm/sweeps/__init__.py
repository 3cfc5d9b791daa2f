"""Sweeps over batch sizes and numbers of groups: a study per point, and what they say together."""
