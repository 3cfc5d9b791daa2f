"""What a trained network is asked beyond its accuracy, and what an arm costs; nothing here changes a network."""

from whichnorm.examine.record import Examination, Examined, ExaminedArm, ExaminedRun

__all__ = ["Examination", "Examined", "ExaminedArm", "ExaminedRun"]
