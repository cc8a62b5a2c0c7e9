"""Traced training on a real daemon: counters, sizes, equality with untraced steps."""

import numpy as np
import pytest

import tensord
from tensord import Context, Tensor, Variable, jit, nn

pytestmark = pytest.mark.usefixtures("session")


class Net:
    """A convolution with batch norm, a pool, a linear layer."""

    def __init__(self):
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm(4)
        self.out = nn.Linear(4 * 4 * 4, 3)

    def __call__(self, x):
        return self.out(self.norm(self.conv(x)).relu().max_pool2d(2).flatten(1).dropout(0.1))


def batch():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(16, 1, 8, 8)).astype(np.float32)
    return Tensor(x, requires_grad=False), Tensor(rng.integers(0, 3, 16).astype(np.int32))


def make_step():
    Tensor.manual_seed(5)
    net = Net()
    opt = nn.optim.AdamW(nn.state.get_parameters(net), lr=0.01)

    def step(x, y):
        opt.zero_grad()
        loss = net(x).cross_entropy(y).backward()
        opt.step()
        return loss

    return net, step


def counters():
    tensord.synchronize()
    return tensord.connection().stats()


def test_after_the_first_step_nothing_is_compiled_or_planned():
    _, step = make_step()
    traced, (x, y) = jit(step), batch()
    with Context(TRAINING=1):
        traced(x, y)
        first_bytes = next(iter(traced.cache.values()))[0].last_bytes
        before = counters()
        losses = [traced(x, y) for _ in range(10)]
        after = counters()
    for name in ("kernels_compiled", "plans_made", "kernel_disk_hits", "plan_disk_hits"):
        assert after[name] == before[name], name
    assert after["executes"] - before["executes"] == 10
    assert after["nodes"] == before["nodes"]
    program = next(iter(traced.cache.values()))[0]
    assert first_bytes <= 120
    assert program.last_bytes <= 120
    assert losses[-1].item() < losses[0].item()


def test_traced_and_untraced_steps_agree():
    x, y = batch()
    results = []
    for wrap in (lambda f: f, jit):
        net, step = make_step()
        step = wrap(step)
        with Context(TRAINING=1):
            losses = [step(x, y).item() for _ in range(5)]
        state = {k: t.numpy() for k, t in nn.state.get_state_dict(net).items()}
        results.append((losses, state))
    (plain, a), (traced, b) = results
    np.testing.assert_allclose(plain, traced, rtol=1e-4)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_the_same_training_gives_the_same_bits():
    x, y = batch()

    def run():
        _, step = make_step()
        traced = jit(step)
        with Context(TRAINING=1):
            return [traced(x, y).item() for _ in range(5)]

    assert run() == run()


def test_variables_select_at_each_call():
    n, x = Variable("n", 1, 16), Tensor(np.arange(16, dtype=np.float32))
    head = jit(lambda x, n: x[:n] * 2)
    for k in (3, 16, 1):
        np.testing.assert_array_equal(head(x, n.bind(k)).numpy(), 2 * np.arange(k))
    assert len(head.cache) == 1


def test_an_evaluated_value_is_a_leaf_for_what_is_made_of_it_later():
    w = Tensor([1.0, 2.0])
    loss = (w * w).sum()
    assert loss.item() == 5.0
    loss.backward()  # of the definition
    assert w.grad.tolist() == [2.0, 4.0]
    w.grad = None
    (w * w).realize().sum().backward()
    assert w.grad is None


def test_equal_initial_values_may_both_be_state():
    a, b = Tensor.zeros(3), Tensor.zeros(3)

    @jit
    def step():
        a.assign(a + 1)
        b.assign(b - 1)
        return a + b

    step()
    step()
    assert a.tolist() == [2.0] * 3
    assert b.tolist() == [-2.0] * 3
