"""Training one run: the loop and its step, evaluation, audit, checkpoint and record."""
