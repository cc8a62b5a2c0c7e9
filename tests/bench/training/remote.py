"""The training step of a network on a private daemon, for rounds.py.

    python remote.py digits|mnist FOLDER

FOLDER gets the step's Program as bench_session_program reads it, to be run without a daemon:
`body`, a ProgramBody; `inputs`, the bytes of its inputs one behind the other; `state`, numbers a
line: how many outputs the caller keeps, then for each output after those the input that it is next.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "clients/python/examples"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))

import numpy as np
from digits import BATCH, DigitsNet
from rounds import serve
from tensord import Context, Tensor, connection, jit, nn, synchronize
from tensord.jit import Program


class MnistNet:
    """Four convolutions and a linear layer for images of 28 x 28, as tinygrad's beautiful_mnist."""

    def __init__(self) -> None:
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 32, 5)
        self.conv3, self.conv4 = nn.Conv2d(32, 64, 3), nn.Conv2d(64, 64, 3)
        self.norm1, self.norm2 = nn.BatchNorm(32), nn.BatchNorm(64)
        self.out = nn.Linear(576, 10)

    def __call__(self, x: Tensor) -> Tensor:
        """Images [N, 1, 28, 28] -> logits [N, 10]."""
        x = self.conv2(self.conv1(x).relu()).relu()
        x = self.norm1(x).max_pool2d(2)
        x = self.conv4(self.conv3(x).relu()).relu()
        x = self.norm2(x).max_pool2d(2)
        return self.out(x.flatten(1))


NETS: dict[str, tuple[Any, int]] = {"digits": (DigitsNet, 8), "mnist": (MnistNet, 28)}


class Trainer:
    """A net, and one batch of noise that it is trained on."""

    def __init__(self, name: str) -> None:
        make, pixels = NETS[name]
        random = np.random.default_rng(0)
        images = random.random((BATCH, 1, pixels, pixels), dtype=np.float32)
        labels = random.integers(0, 10, BATCH).astype(np.int32)
        self.images = Tensor(images, requires_grad=False)
        self.labels = Tensor(labels, requires_grad=False)
        Tensor.manual_seed(0)
        self.net = make()
        self.optimizer = nn.optim.AdamW(nn.state.get_parameters(self.net), lr=0.001)

    @jit
    def step(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.net(self.images).cross_entropy(self.labels).backward()
        self.optimizer.step()
        return loss


def run(trainer: Trainer, steps: int) -> float:
    """Seconds a step; the loss is fetched every ten."""
    start = time.perf_counter()
    with Context(TRAINING=1):
        for i in range(steps):
            loss = trainer.step()
            if i % 10 == 9:
                loss.item()
    synchronize()
    return (time.perf_counter() - start) / steps


def record(trainer: Trainer, folder: Path) -> None:
    """Traces the step and writes the folder."""
    session = connection()
    bodies: list[bytes] = []
    programs: list[Program] = []
    send, execute = session.program, Program.run

    def keep_body(body: bytes, digest: bytes) -> int:
        bodies.append(body)
        return send(body, digest)

    def keep_program(self: Program, *arguments: Any) -> Any:
        programs.append(self)
        return execute(self, *arguments)

    session.program, Program.run = keep_body, keep_program  # type: ignore[method-assign]
    run(trainer, 1)
    del session.program
    Program.run = execute  # type: ignore[method-assign]
    (body,), (program,) = bodies, programs
    captured = [*program.reads, *program.state]
    (folder / "body").write_bytes(body)
    (folder / "inputs").write_bytes(b"".join(Tensor.numpy(t).tobytes() for t in captured))
    places = {id(t): k for k, t in enumerate(captured)}
    state = [program.returned, *(places[id(t)] for t in program.updates)]
    (folder / "state").write_text("\n".join(map(str, state)) + "\n")


def main(name: str, folder: str) -> None:
    trainer = Trainer(name)
    record(trainer, Path(folder))
    serve(lambda steps: run(trainer, steps))


main(*sys.argv[1:])
