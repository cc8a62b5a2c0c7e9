"""The training step of clients/python/examples/digits.py on a private daemon, for rounds.py.

Each step also picks its batch from the images on the device, and each eleventh uploads the order of
the next epoch; the peers train on one batch that stays.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "clients/python/examples"))

import digits
from rounds import serve
from tensord import Context, synchronize

trainer = digits.Trainer(digits.load(0), 40, 0)
done = 0


def run(steps: int) -> float:
    global done
    start = time.perf_counter()
    with Context(TRAINING=1):
        for _ in range(steps):
            if done % trainer.steps == 0:
                trainer.begin(0)
            loss = trainer.step()
            done += 1
            if done % 10 == 0:
                loss.item()
    synchronize()
    return (time.perf_counter() - start) / steps


serve(run)
