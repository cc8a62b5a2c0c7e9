"""A first session: tensors, a gradient, a traced function.

python hello.py          # starts a daemon of its own unless one is configured
"""

from tensord import Tensor, connection, jit


def main() -> None:
    print(f"connected to {connection().address}, devices {', '.join(connection().devices)}")

    # Nothing is computed before it is asked for.
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    y = (x @ x.T).relu().sum(axis=1)
    print("y =", y.tolist())

    # Gradients come from the daemon's graph.
    w = Tensor([0.5, -0.5])
    loss = ((x * w).sum(axis=1) - y).square().mean()
    loss.backward()
    assert w.grad is not None
    print("d loss / d w =", w.grad.tolist())

    # A traced function is one small message a call.
    @jit
    def descend() -> Tensor:
        loss = ((x * w).sum(axis=1) - y).square().mean()
        (slope,) = loss.gradient(w)
        w.assign(w - 0.02 * slope)
        return loss

    losses = [descend() for _ in range(100)]
    print(f"loss {losses[0].item():.3f} -> {losses[-1].item():.3f}, w = {w.tolist()}")


if __name__ == "__main__":
    main()
