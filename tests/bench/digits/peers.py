"""The digits training step in PyTorch (eager) or tinygrad (TinyJit), for rounds.py.

    python peers.py torch|tinygrad

The net, batch and optimizer are those of clients/python/examples/digits.py; the loss is fetched
every ten steps. Runs in the interpreter that has the peers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from rounds import serve

BATCH = 128


def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    images = random.random((BATCH, 1, 8, 8), dtype=np.float32)
    return images, random.integers(0, 10, BATCH).astype(np.int64)


def torch_step() -> Callable[[], Callable[[], float]]:
    """A function that trains on the batch and returns how to fetch the loss."""
    import torch
    from torch import nn

    torch.set_num_threads(2)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.004, weight_decay=0.05)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    images, labels = (torch.from_numpy(part) for part in data())

    def step() -> Callable[[], float]:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item

    return step


def tinygrad_step() -> Callable[[], Callable[[], float]]:
    """The same."""
    from tinygrad import Context, Tensor, TinyJit, nn

    class Net:
        def __init__(self) -> None:
            self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
            self.norm1 = nn.BatchNorm(16)
            self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm(32)
            self.conv3 = nn.Conv2d(32, 64, 3, padding=1, bias=False)
            self.norm3 = nn.BatchNorm(64)
            self.out = nn.Linear(256, 10)

        def __call__(self, x: Tensor) -> Tensor:
            x = self.norm1(self.conv1(x)).relu()
            x = self.norm2(self.conv2(x)).relu().max_pool2d((2, 2))
            x = self.norm3(self.conv3(x)).relu().avg_pool2d((2, 2))
            return self.out(x.flatten(1).dropout(0.2))

    net = Net()
    optimizer = nn.optim.AdamW(nn.state.get_parameters(net), lr=0.004, weight_decay=0.05)
    images, labels = (Tensor(part).realize() for part in data())

    @TinyJit
    def train() -> Tensor:
        optimizer.zero_grad()
        loss = net(images).sparse_categorical_crossentropy(labels, label_smoothing=0.05)
        loss.backward()
        optimizer.step()
        return loss.realize()

    def step() -> Callable[[], float]:
        with Context(TRAINING=1):
            return train().item

    return step


def main(peer: str) -> None:
    step = torch_step() if peer == "torch" else tinygrad_step()

    def run(steps: int) -> float:
        start = time.perf_counter()
        for i in range(steps):
            loss = step()
            if i % 10 == 9:
                loss()
        return (time.perf_counter() - start) / steps

    serve(run)


if __name__ == "__main__":
    main(sys.argv[1])
