"""Diagnostics while training: gradient norms, dead ReLU channels and the distance of activations, by layer."""

from whichnorm.diagnostics.files import RunDiagnoses, read_diagnoses, write_diagnoses
from whichnorm.diagnostics.measure import Diagnosis, diagnose

__all__ = ["Diagnosis", "RunDiagnoses", "diagnose", "read_diagnoses", "write_diagnoses"]
