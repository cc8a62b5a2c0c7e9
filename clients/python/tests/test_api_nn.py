"""Networks' parts and training, against numpy, on a real daemon."""

import numpy as np
import pytest
from test_api import RNG, check, data

from tensord import Context, Tensor, errors, nn

pytestmark = pytest.mark.usefixtures("session")


def test_contractions():
    a, b = data(5, 2, 3), data(3, 4)
    check(Tensor(a) @ Tensor(b), a @ b, 1e-5)
    check(Tensor(a[0]).dot(Tensor(b)), a[0] @ b, 1e-5)
    check(Tensor(b[0]) @ Tensor(b[1]), b[0] @ b[1], 1e-5)
    check(Tensor.einsum("bij,jk->bki", Tensor(a), Tensor(b)), np.einsum("bij,jk->bki", a, b), 1e-5)
    check(Tensor.einsum("ij,ik", Tensor(b), Tensor(b)), np.einsum("ij,ik", b, b), 1e-5)
    check(Tensor(a).linear(Tensor(b), Tensor(b[0])), a @ b + b[0], 1e-5)


def convolve(x, w, stride=1, padding=0):
    x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], w)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (1, 2)])
def test_conv2d(stride, padding):
    x, w, b = data(2, 3, 7, 6), data(4, 3, 3, 3), data(4)
    got = Tensor(x).conv2d(Tensor(w), Tensor(b), stride=stride, padding=padding)
    check(got, convolve(x, w, stride, padding) + b[:, None, None], 1e-4)


def test_conv_transpose_is_the_gradient_of_conv():
    x, w, y = data(1, 2, 5, 5), data(3, 2, 3, 3), data(1, 3, 3, 3)
    inner = (convolve(x, w) * y).sum()
    back = Tensor(y).conv_transpose2d(Tensor(w)).numpy()
    np.testing.assert_allclose((back * x).sum(), inner, rtol=1e-4)


def test_pools():
    x = data(2, 3, 4, 6)
    blocks = x.reshape(2, 3, 2, 2, 3, 2)
    check(Tensor(x).max_pool2d(2), blocks.max((3, 5)))
    check(Tensor(x).avg_pool2d(2), blocks.mean((3, 5)), 1e-5)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    check(Tensor(x).max_pool2d(3, stride=1), windows.max((4, 5)))


def test_norms():
    x = data(4, 6, 5)

    def normed(axes, eps=1e-5):
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)

    check(Tensor(x).layernorm(), normed((2,)), 1e-4)
    check(nn.LayerNorm((6, 5))(Tensor(x)), normed((1, 2)), 1e-4)
    check(nn.InstanceNorm(6)(Tensor(x)), normed((2,)), 1e-4)
    grouped = x.reshape(4, 2, 15)
    want = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(
        grouped.var(2, keepdims=True) + 1e-5
    )
    check(nn.GroupNorm(2, 6)(Tensor(x)), want.reshape(x.shape), 1e-4)
    check(nn.RMSNorm(5)(Tensor(x)), x / np.sqrt((x * x).mean(2, keepdims=True) + 1e-6), 1e-4)


def test_batch_norm_learns_and_applies():
    x, layer = data(8, 3, 4, 4) * 3 + 1, nn.BatchNorm(3)
    with Context(TRAINING=1):
        got = layer(Tensor(x))
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    shape = (1, 3, 1, 1)
    check(got, (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + 1e-5), 1e-4)
    check(layer.running_mean, 0.1 * mean, 1e-4)
    check(layer.running_var, 0.9 + 0.1 * x.var((0, 2, 3), ddof=1), 1e-4)
    want = (x - 0.1 * mean.reshape(shape)) / np.sqrt(
        layer.running_var.numpy().reshape(shape) + 1e-5
    )
    check(layer(Tensor(x)), want, 1e-4)


def test_losses():
    logits, labels = data(6, 4), np.array([0, 1, 2, 3, 1, 0])
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    want = -log_p[np.arange(6), labels]
    t, y = Tensor(logits), Tensor(labels)
    check(t.cross_entropy(y), want.mean(), 1e-5)
    check(t.cross_entropy(y, reduction="none"), want, 1e-5)
    check(t.sparse_categorical_crossentropy(y), want.mean(), 1e-5)
    check(t.log_softmax(1).nll_loss(y), want.mean(), 1e-5)
    p, target = 1 / (1 + np.exp(-logits)), (logits > 0).astype(np.float32) * 0.9
    bce = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    check(Tensor(p).binary_crossentropy(Tensor(target)), bce, 1e-4)
    check(t.binary_crossentropy_logits(Tensor(target)), bce, 1e-4)


def test_attention():
    q, k, v = data(2, 3, 5, 8), data(2, 3, 7, 8), data(2, 3, 7, 4)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(8)

    def attend(s):
        e = np.exp(s - s.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True) @ v

    check(Tensor(q).scaled_dot_product_attention(Tensor(k), Tensor(v)), attend(scores), 1e-4)
    mask = RNG.random((5, 7)) > 0.3
    got = Tensor(q).scaled_dot_product_attention(Tensor(k), Tensor(v), attn_mask=Tensor(mask))
    check(got, attend(np.where(mask, scores, -np.inf)), 1e-4)


def test_embedding_and_dropout():
    table = nn.Embedding(10, 3)
    check(table(Tensor([[1, 9], [0, 1]])), table.weight.numpy()[[[1, 9], [0, 1]]])
    x = Tensor.ones(1000)
    assert x.dropout(0.5) is x
    with Tensor.train():
        kept = x.dropout(0.25).numpy()
    assert set(np.unique(kept)) <= {np.float32(0), np.float32(1 / 0.75)}
    assert 0.6 < (kept > 0).mean() < 0.9


def test_state_dicts_and_safetensors(tmp_path):
    class Net:
        def __init__(self):
            self.first, self.rest = nn.Linear(3, 4), [nn.Linear(4, 2, bias=False)]

    a, b = Net(), Net()
    state = nn.state.get_state_dict(a)
    assert list(state) == ["first.weight", "first.bias", "rest.0.weight"]
    nn.state.load_state_dict(b, state)
    check(b.first.weight, a.first.weight.numpy())
    path = tmp_path / "net.safetensors"
    extra = {
        "half": Tensor([1.0, 2.0]).half(),
        "bf": Tensor([1.5]).bfloat16(),
        "flags": Tensor([True]),
    }
    nn.state.safe_save({**state, **extra}, path, {"by": "test"})
    loaded = nn.state.safe_load(path)
    for name, t in {**state, **extra}.items():
        assert loaded[name].dtype is t.dtype
        check(loaded[name], t.numpy())
    assert nn.state.safe_load_metadata(path)[1]["__metadata__"] == {"by": "test"}
    with pytest.raises(KeyError, match="missing"):
        nn.state.load_state_dict(a, {})
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(ValueError, match="no safetensors"):
        nn.state.safe_load(path)


def optimizer_steps(optimizer, steps=5):
    w = Tensor([1.0, -2.0])
    opt = optimizer([w])
    for _ in range(steps):
        opt.zero_grad()
        (w * w * 0.5).sum().backward()
        opt.step()
    return w.numpy()


def test_optimizers():
    def reference(update):
        w, state = np.array([1.0, -2.0]), {}
        for t in range(1, 6):
            w = update(w, w.copy(), state, t)
        return w

    def momentum(w, g, s, t):
        s["v"] = g if t == 1 else 0.9 * s["v"] + g
        return w - 0.1 * s["v"]

    def adam(w, g, s, t, decay=0.0):
        w = w * (1 - 0.1 * decay)
        s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
        s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
        return w - 0.1 * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)

    optim = nn.optim
    np.testing.assert_allclose(
        optimizer_steps(lambda p: optim.SGD(p, lr=0.1)),
        reference(lambda w, g, s, t: w - 0.1 * g),
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        optimizer_steps(lambda p: optim.SGD(p, lr=0.1, momentum=0.9)),
        reference(momentum),
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        optimizer_steps(lambda p: optim.Adam(p, lr=0.1)), reference(adam), rtol=1e-4
    )
    np.testing.assert_allclose(
        optimizer_steps(lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.1)),
        reference(lambda w, g, s, t: adam(w, g, s, t, 0.1)),
        rtol=1e-4,
    )


def test_an_optimizer_without_gradients_says_so():
    with pytest.raises(errors.ValueProblem, match="no gradient"):
        nn.optim.SGD([Tensor([1.0])]).step()


def test_bfloat16_and_half_compute():
    x = data(64, 64)
    for dtype, tolerance in (("bfloat16", 0.05), ("float16", 5e-3)):
        got = (Tensor(x).cast(dtype) @ Tensor(x).cast(dtype)).float()
        np.testing.assert_allclose(got.numpy(), x @ x, rtol=tolerance, atol=1.0)


def test_pooled_maxima_know_where_they_were():
    x = data(2, 3, 5, 7)
    for kernel, stride, padding in [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), 0)]:
        best, where = Tensor(x).max_pool2d(kernel, stride, padding=padding, return_indices=True)
        flat = x.reshape(2, 3, -1)
        found = np.take_along_axis(flat, where.numpy().reshape(2, 3, -1), -1)
        np.testing.assert_array_equal(found.reshape(best.shape), best.numpy())


def test_unpooling_puts_maxima_back():
    x = data(2, 3, 4, 6)
    best, where = Tensor(x).max_pool2d(2, return_indices=True)
    back = best.max_unpool2d(where, 2).numpy()
    is_best = x == x.reshape(2, 3, 2, 2, 3, 2).max((3, 5)).repeat(2, 2).repeat(2, 3)
    np.testing.assert_array_equal(back, np.where(is_best, x, 0))
    assert best.max_unpool2d(where, 2, output_size=(5, 7)).shape == (2, 3, 5, 7)
    with pytest.raises(errors.ShapeError, match="output_size"):
        best.max_unpool2d(where, 2, output_size=(5,))


def test_newton_schulz_nears_an_orthogonal_matrix():
    x = data(3, 6, 4)
    q = Tensor(x).newton_schulz(30, (1.5, -0.5)).numpy()
    eye = np.broadcast_to(np.eye(4, dtype=np.float32), (3, 4, 4))
    np.testing.assert_allclose(np.swapaxes(q, 1, 2) @ q, eye, atol=1e-4)


def test_units_with_parameters():
    x, slopes = data(2, 3, 4), np.array([0.1, 0.2, 0.3], np.float32)
    check(Tensor(x).prelu(Tensor(slopes)), np.where(x > 0, x, x * slopes[:, None]))
    check(Tensor(x).glu(), x[..., :2] / (1 + np.exp(-x[..., 2:])), 1e-5)
    with pytest.raises(errors.ShapeError, match="even number"):
        Tensor(x).glu(1)
