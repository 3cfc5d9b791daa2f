"""Training engines: how the steps of an epoch are computed, and nothing else.

`engine` says what one is given and what it owes; `reference` is the one that all others are judged by.
"""
