"""Whether a series of measurements grows: least squares with the slope's standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Drift:
    """A straight line through a series."""

    per_minute: float
    error: float  # of per_minute: its standard error

    @property
    def t(self) -> float:
        """How many standard errors the slope is above zero."""
        if self.error > 0:
            return self.per_minute / self.error
        return math.copysign(math.inf, self.per_minute) if self.per_minute else 0.0

    def exceeds(self, bound: float, least_t: float = 3.0) -> bool:
        """Whether it grows, beyond doubt, by more than `bound` a minute."""
        return self.per_minute > bound and self.t > least_t


def drift_of(seconds: Sequence[float], values: Sequence[float]) -> Drift:
    """REQUIRES: three points or more, at different times."""
    count = len(seconds)
    mean_time, mean_value = sum(seconds) / count, sum(values) / count
    spread = sum((s - mean_time) ** 2 for s in seconds)
    pairs = list(zip(seconds, values, strict=True))
    slope = sum((s - mean_time) * (v - mean_value) for s, v in pairs) / spread
    residue = sum((v - mean_value - slope * (s - mean_time)) ** 2 for s, v in pairs)
    error = math.sqrt(residue / (count - 2) / spread)
    return Drift(60 * slope, 60 * error)
