"""The commands behind the numbers in the README."""
