"""What counts as growth, and what does not."""

import random
import sys
import unittest

sys.dont_write_bytecode = True

from drift import drift_of  # noqa: E402

MIB = 1 << 20
SECONDS = [3.0 * i for i in range(160)]  # eight minutes


class DriftTest(unittest.TestCase):
    def noisy(self, per_minute: float) -> list[float]:
        noise = random.Random(7)
        return [200 * MIB + per_minute * s / 60 + noise.gauss(0, 2 * MIB) for s in SECONDS]

    def test_a_line_has_its_slope_and_no_error(self) -> None:
        found = drift_of(SECONDS, [5 + 2 * s for s in SECONDS])
        self.assertAlmostEqual(found.per_minute, 120)
        self.assertAlmostEqual(found.error, 0)

    def test_a_leak_below_the_noise_is_found(self) -> None:
        self.assertTrue(drift_of(SECONDS, self.noisy(1.5 * MIB)).exceeds(MIB))

    def test_noise_is_no_leak(self) -> None:
        self.assertFalse(drift_of(SECONDS, self.noisy(0)).exceeds(MIB))

    def test_what_stays_is_no_leak(self) -> None:
        self.assertFalse(drift_of(SECONDS, [7.0] * len(SECONDS)).exceeds(0))

    def test_a_wide_scatter_is_no_proof(self) -> None:
        jump = [0.0] * 10 + [50.0 * MIB] + [0.0] * 9
        self.assertFalse(drift_of(SECONDS[:20], jump).exceeds(0))


if __name__ == "__main__":
    unittest.main()
