"""Writes the reference values of this folder: numbers made by PyTorch, numpy and scipy in float64.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy torch
    /tmp/venv/bin/python tests/ops/reference_nn/generate.py

One file per family, one case per line: op, attributes and inputs as in the examples of op rows, the results,
and for a random gradient of each result (`seeds`) the gradients of the inputs ("" where there is none).
tests/engine/ops/reference_nn_test.cc runs them.
"""

import json
import pathlib
import zlib

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
NAMES = {np.dtype("float32"): "f32", np.dtype("float64"): "f64", np.dtype("float16"): "f16",
         np.dtype("int32"): "i32", np.dtype("int64"): "i64", np.dtype("bool"): "bool"}
CASES = []


def number(value):
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(value)
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(np.float32(value)).removesuffix(".0")


def literal(array, dtype=None):
    array = np.asarray(array)
    name = dtype or NAMES[array.dtype]
    return f"{name}[{','.join(map(str, array.shape))}] {{{', '.join(number(v) for v in array.ravel())}}}"


class Draw:
    """Inputs of one case: the same at every run, whatever cases come before."""

    def __init__(self, name):
        self.random = np.random.RandomState(zlib.crc32(name.encode()))

    def normal(self, *shape, dtype=np.float32, scale=1.0):
        return (np.round(self.random.standard_normal(shape) * scale, 3)).astype(dtype)

    def uniform(self, low, high, *shape):
        return np.round(self.random.uniform(low, high, shape), 3).astype(np.float32)

    def integers(self, low, high, *shape, dtype=np.int32):
        return self.random.randint(low, high, shape).astype(dtype)


def attribute(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(str, value)) + "]"
    return repr(value)


def case(op, inputs, function, attrs=None, tolerance=None, gradients=True):
    """`function` maps float64 tensors (integers stay) to a tensor or a tuple of them."""
    tensors, leaves = [], []
    for array in inputs:
        array = np.asarray(array)
        floating = array.dtype.kind == "f"
        tensor = torch.tensor(array.astype(np.float64) if floating else array)
        tensors.append(tensor.requires_grad_(floating and gradients))
        leaves.append(floating)
    results = function(*tensors)
    results = results if isinstance(results, tuple) else (results,)
    first = np.asarray(inputs[0]).dtype
    name = NAMES[first] if first.kind == "f" else "f32"
    named = [name if r.is_floating_point() else None for r in results]
    text = {"op": op, "inputs": [literal(a) for a in inputs],
            "results": [literal(r.detach().numpy(), n) for r, n in zip(results, named)]}
    if attrs:
        text["attrs"] = ", ".join(f"{k}={attribute(v)}" for k, v in attrs.items())
    if tolerance:
        text["tolerance"] = tolerance
    if gradients and any(r.requires_grad for r in results):
        draw = Draw(op + "seeds")
        seeds = [draw.normal(*r.shape) for r in results]
        total = sum((r * torch.tensor(s.astype(np.float64))).sum() for r, s in zip(results, seeds))
        wanted = [t for t, leaf in zip(tensors, leaves) if leaf]
        found = iter(torch.autograd.grad(total, wanted, allow_unused=True))
        text["seeds"] = [literal(s, n) for s, n in zip(seeds, named)]
        text["gradients"] = []
        for array, leaf in zip(inputs, leaves):
            g = next(found) if leaf else None
            text["gradients"].append("" if g is None else literal(g.numpy(), NAMES[np.asarray(array).dtype]))
    CASES.append(text)


def write(family):
    lines = ",\n".join(json.dumps(c) for c in CASES)
    (HERE / f"{family}.json").write_text(f"[\n{lines}\n]\n")
    CASES.clear()


def activations():
    edge = np.array([-90, -30, -8, -3, -1, -0.3, 0.2, 1, 2.5, 4, 7, 30, 95], np.float32)
    simple = {
        "relu": F.relu, "relu6": F.relu6, "leaky_relu": F.leaky_relu, "hardtanh": F.hardtanh,
        "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "softshrink": F.softshrink,
        "hardshrink": F.hardshrink, "elu": F.elu, "celu": F.celu, "selu": F.selu, "sigmoid": torch.sigmoid,
        "logsigmoid": F.logsigmoid, "softplus": lambda x: F.softplus(x, threshold=1000), "softsign": F.softsign,
        "silu": F.silu, "mish": F.mish, "gelu": F.gelu, "tanhshrink": F.tanhshrink,
        "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    }
    for name, function in simple.items():
        case(name, [edge], function)
    case("gelu", [edge], lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"})
    case("leaky_relu", [edge], lambda x: F.leaky_relu(x, 0.3), {"negative_slope": 0.3})
    case("elu", [edge], lambda x: F.elu(x, 1.7), {"alpha": 1.7})
    case("celu", [edge], lambda x: F.celu(x, 0.6), {"alpha": 0.6})
    case("softplus", [edge], lambda x: F.softplus(x, 2.5, 1000), {"beta": 2.5})
    case("hardtanh", [edge], lambda x: F.hardtanh(x, -2, 5), {"min": -2, "max": 5})
    case("threshold", [edge], lambda x: F.threshold(x, 0.5, 9), {"threshold": 0.5, "value": 9})
    case("softshrink", [edge], lambda x: F.softshrink(x, 1.5), {"lambda": 1.5})
    case("sigmoid", [edge], lambda x: torch.tensor(scipy.special.expit(x.detach().numpy())), gradients=False)
    case("glu", [Draw("glu").normal(3, 4, 2)], lambda x: F.glu(x, 1), {"axis": 1})
    case("prelu", [Draw("prelu").normal(2, 4, 3), Draw("slopes").normal(4)], F.prelu)
    half = np.array([-9, -1.5, 0.25, 3], np.float16)
    for name in ["silu", "gelu", "mish", "elu", "sigmoid"]:
        case(name, [half], simple[name], tolerance=1e-3)
    write("activation")


def linalg():
    d = Draw("linalg")
    for a, b in [((3, 4), (4, 5)), ((4,), (4, 3)), ((2, 4), (4,)), ((6,), (6,)), ((2, 3, 4), (4, 2)),
                 ((2, 1, 3, 4), (5, 4, 2)), ((3, 4), (2, 4, 5)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((1, 1), (1, 1))]:
        case("matmul", [d.normal(*a), d.normal(*b)], torch.matmul)
    case("matmul", [d.normal(3, 40, dtype=np.float16), d.normal(40, 2, dtype=np.float16)], torch.matmul, tolerance=2e-3)
    case("matmul", [d.integers(-9, 9, 2, 3), d.integers(-9, 9, 3, 4)], torch.matmul, gradients=False)
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3, 5)), ((2, 2, 3), (3, 2)), ((), (2, 2))]:
        case("dot", [d.normal(*a), d.normal(*b)], lambda x, y: torch.tensor(
            np.dot(x.detach().numpy(), y.detach().numpy())), gradients=False)
    case("outer", [d.normal(3), d.normal(2)], torch.outer)
    for equation, shapes in [
            ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("bij,bkj->bik", [(2, 3, 4), (2, 5, 4)]),
            ("ij->ji", [(2, 3)]), ("ij->", [(2, 3)]), ("ii", [(3, 3)]), ("ii->i", [(3, 3)]), ("iij->j", [(2, 2, 3)]),
            ("i,j->ij", [(2,), (3,)]), ("i,i->", [(4,), (4,)]), ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]),
            ("b...,b...->...", [(2, 3, 4), (2, 3, 4)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
            ("ab,bc,cd,de->ae", [(2, 5), (5, 2), (2, 6), (6, 3)]), ("ij,kj,lj->ikl", [(2, 3), (4, 3), (2, 3)]),
            ("bhqd,bhkd->bhqk", [(1, 2, 3, 4), (1, 2, 5, 4)]), ("ijij->ij", [(2, 3, 2, 3)]), (" i j , j -> i ", [(2, 3), (3,)])]:
        case("einsum", [d.normal(*s) for s in shapes], lambda *x, e=equation: torch.einsum(e, *x), {"equation": equation})
    case("einsum", [d.normal(1, 3), d.normal(2, 3)], lambda x, y: torch.einsum("ij,ij->i", x, y), {"equation": "ij,ij->i"})
    for x, w, b in [((2, 3), (4, 3), True), ((3,), (2, 3), True), ((2, 2, 3), (1, 3), False)]:
        inputs = [d.normal(*x), d.normal(*w)] + ([d.normal(w[0])] if b else [])
        case("linear", inputs, F.linear)
    case("linear", [d.normal(2, 3, dtype=np.float16), d.normal(4, 3, dtype=np.float16), d.normal(4, dtype=np.float16)],
         F.linear, tolerance=2e-3)
    write("linalg")


def pairs(padding, spatial):
    """Our low and high of each axis as torch.nn.functional.pad wants them."""
    if len(padding) != 2 * spatial:
        return None
    return [p for axis in reversed(range(spatial)) for p in padding[2 * axis:2 * axis + 2]]


def convolve(x, w, b, stride, padding, dilation, groups):
    spatial = x.dim() - 2
    if (asymmetric := pairs(padding, spatial)) is not None and len(padding) > 1:
        x, padding = F.pad(x, asymmetric), [0]
    function = [F.conv1d, F.conv2d, F.conv3d][spatial - 1]
    return function(x, w, b, tuple(stride * spatial)[:spatial] if len(stride) == 1 else tuple(stride),
                    tuple(padding * spatial)[:spatial] if len(padding) == 1 else tuple(padding),
                    tuple(dilation * spatial)[:spatial] if len(dilation) == 1 else tuple(dilation), groups)


def transpose(x, w, b, stride, padding, output_padding, dilation, groups):
    spatial = x.dim() - 2
    full = lambda v: tuple(v * spatial)[:spatial] if len(v) == 1 else tuple(v)
    function = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][spatial - 1]
    return function(x, w, b, full(stride), full(padding), full(output_padding), groups, full(dilation))


def convolutions():
    d = Draw("conv")
    for x, w, bias, stride, padding, dilation, groups in [
            ((2, 3, 7), (4, 3, 3), True, [1], [0], [1], 1),
            ((1, 2, 9), (2, 2, 3), False, [2], [1], [1], 1),
            ((1, 2, 10), (2, 2, 3), True, [3], [2], [2], 1),
            ((1, 1, 6), (1, 1, 2), False, [1], [2, 1], [1], 1),
            ((1, 1, 5), (1, 1, 1), False, [3], [2], [1], 1),
            ((2, 2, 5, 5), (3, 2, 3, 3), True, [1], [1], [1], 1),
            ((1, 2, 6, 7), (4, 2, 3, 2), True, [2], [1], [1], 1),
            ((1, 2, 7, 6), (2, 2, 3, 3), False, [2, 1], [1, 0], [1, 2], 1),
            ((1, 4, 5, 5), (6, 2, 3, 3), True, [1], [1], [1], 2),
            ((2, 3, 4, 4), (6, 1, 3, 3), True, [2], [1], [1], 3),
            ((1, 2, 4, 5), (2, 2, 2, 2), False, [1], [1, 0, 0, 2], [1], 1),
            ((1, 1, 8, 8), (1, 1, 4, 4), False, [4], [0], [1], 1),
            ((1, 2, 3, 4, 3), (2, 2, 2, 2, 2), True, [1], [1], [1], 1),
            ((1, 1, 4, 4, 4), (2, 1, 3, 3, 3), False, [2], [1], [1], 1),
            ((0, 2, 4), (3, 2, 2), False, [1], [0], [1], 1)]:
        inputs = [d.normal(*x), d.normal(*w)] + ([d.normal(w[0])] if bias else [])
        case("conv", inputs, lambda x, w, b=None, s=stride, p=padding, dl=dilation, g=groups: convolve(x, w, b, s, p, dl, g),
             {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups})
    case("conv", [d.normal(1, 8, 6, 6, dtype=np.float16), d.normal(2, 8, 3, 3, dtype=np.float16, scale=0.3)],
         lambda x, w: F.conv2d(x, w, None, 2, 1), {"stride": [2], "padding": [1]}, tolerance=3e-3)
    for x, w, bias, stride, padding, more, dilation, groups in [
            ((2, 3, 4), (3, 2, 3), True, [1], [0], [0], [1], 1),
            ((1, 2, 4), (2, 2, 3), False, [2], [1], [1], [1], 1),
            ((1, 2, 3), (2, 1, 2), True, [3], [0], [2], [2], 1),
            ((1, 2, 3, 3), (2, 3, 3, 3), True, [2], [1], [1], [1], 1),
            ((1, 4, 3, 2), (4, 2, 2, 3), True, [2, 1], [0, 1], [0], [1, 2], 2),
            ((1, 1, 3), (1, 1, 2), False, [1], [1], [1], [3], 1),
            ((1, 2, 2, 2, 2), (2, 1, 2, 2, 2), False, [2], [0], [0], [1], 1)]:
        inputs = [d.normal(*x), d.normal(*w)] + ([d.normal(w[1] * groups)] if bias else [])
        case("conv_transpose", inputs,
             lambda x, w, b=None, s=stride, p=padding, m=more, dl=dilation, g=groups: transpose(x, w, b, s, p, m, dl, g),
             {"stride": stride, "padding": padding, "output_padding": more, "dilation": dilation, "groups": groups})
    write("conv")


def pools():
    d = Draw("pool")
    functions = {"max_pool": [F.max_pool1d, F.max_pool2d, F.max_pool3d],
                 "avg_pool": [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d]}
    for x, kernel, stride, padding, dilation, ceil in [
            ((2, 2, 6), [2], [], [0], [1], False), ((1, 2, 7), [3], [2], [1], [1], False),
            ((1, 1, 8), [3], [2], [1], [1], True), ((1, 1, 5), [2], [], [0], [1], True),
            ((1, 2, 4, 6), [2, 2], [], [0], [1], False), ((1, 2, 5, 5), [3, 3], [2], [1], [1], False),
            ((1, 1, 5, 7), [2, 3], [2], [0, 1], [1], True), ((1, 1, 7, 7), [3, 2], [1, 2], [1], [2, 1], False),
            ((1, 1, 9), [3], [3], [1], [2], False), ((1, 1, 3, 4, 4), [2, 2, 2], [], [0], [1], False),
            ((1, 1, 5, 4), [2, 2], [3], [1], [1], True)]:
        spatial = len(kernel)
        data = d.random.permutation(int(np.prod(x))).reshape(x).astype(np.float32) / 8 - 2
        attrs = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil}
        full = lambda v: v * spatial if len(v) == 1 else v
        case("max_pool", [data], lambda t: functions["max_pool"][spatial - 1](
            t, kernel, full(stride) or None, full(padding), full(dilation), ceil), attrs)
        if any(v != 1 for v in dilation):
            continue
        for include in [True, False]:
            case("avg_pool", [data], lambda t: functions["avg_pool"][spatial - 1](
                t, kernel, full(stride) or None, full(padding), ceil, include), {**attrs, "count_include_pad": include})
    write("pool")


def attention():
    d = Draw("attention")
    sdpa = F.scaled_dot_product_attention
    op = "scaled_dot_product_attention"
    q, k, v = (2, 3, 4), (2, 5, 4), (2, 5, 6)
    case(op, [d.normal(*q), d.normal(*k), d.normal(*v)], sdpa)
    case(op, [d.normal(3, 4), d.normal(2, 4), d.normal(2, 3)], lambda q, k, v: sdpa(q, k, v, scale=0.7), {"scale": 0.7})
    case(op, [d.normal(1, 2, 4, 3), d.normal(1, 2, 4, 3), d.normal(1, 2, 4, 3)],
         lambda q, k, v: sdpa(q, k, v, is_causal=True), {"is_causal": True})
    mask = d.random.rand(2, 3, 5) > 0.4
    mask[0, 1] = False
    mask[:, 0, 0] = True
    def masked(q, k, v, m):
        scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~m, -torch.inf)
        none = ~m.any(-1, keepdim=True)
        return torch.softmax(scores.masked_fill(none, 0), -1).masked_fill(none, 0) @ v
    case(op, [d.normal(*q), d.normal(*k), d.normal(*v), mask], masked)
    case(op, [d.normal(*q), d.normal(*k), d.normal(*v), d.normal(3, 5)], sdpa)
    case(op, [d.normal(*q), d.normal(*k), d.normal(*v), d.normal(2, 1, 5)], sdpa)
    case(op, [d.normal(2, 4, 3, 2), d.normal(2, 2, 4, 2), d.normal(2, 2, 4, 3)],
         lambda q, k, v: sdpa(q, k, v, enable_gqa=True), {"enable_gqa": True})
    case(op, [d.normal(1, 4, 2, 2), d.normal(1, 2, 3, 2), d.normal(1, 2, 3, 2), d.normal(1, 4, 2, 3)],
         lambda q, k, v, m: sdpa(q, k, v, m, enable_gqa=True), {"enable_gqa": True})
    case(op, [d.normal(*q, dtype=np.float16), d.normal(*k, dtype=np.float16), d.normal(*v, dtype=np.float16)],
         sdpa, tolerance=3e-3)
    case(op, [d.normal(2, 3, scale=30), d.normal(4, 3, scale=30), d.normal(4, 2)], sdpa)
    write("attention")


def norms():
    d = Draw("norm")
    for shape, axis in [((2, 5), -1), ((2, 3, 4), 1), ((4,), 0), ((1, 1), 0)]:
        for name, function in [("softmax", torch.softmax), ("log_softmax", torch.log_softmax),
                               ("softmin", lambda x, a: F.softmin(x, a))]:
            case(name, [d.normal(*shape, scale=3)], lambda x, f=function: f(x, axis), {"axis": axis})
    case("softmax", [np.array([1000, 999, -1000], np.float32)], lambda x: torch.softmax(x, 0))
    case("log_softmax", [np.array([1000, 999, -1000], np.float32)], lambda x: torch.log_softmax(x, 0))
    case("softmax", [d.normal(2, 6, dtype=np.float16)], lambda x: torch.softmax(x, -1), tolerance=2e-3)
    case("layer_norm", [d.normal(3, 5), d.normal(5), d.normal(5)], lambda x, w, b: F.layer_norm(x, [5], w, b))
    case("layer_norm", [d.normal(3, 5)], lambda x: F.layer_norm(x, [5], eps=0.1), {"eps": 0.1})
    case("layer_norm", [d.normal(2, 3, 4) + np.float32(100), d.normal(3, 4), d.normal(3, 4)],
         lambda x, w, b: F.layer_norm(x, [3, 4], w, b), {"axes": [1, 2]}, tolerance=1e-4)
    case("layer_norm", [d.normal(2, 8, dtype=np.float16), d.normal(8, dtype=np.float16), d.normal(8, dtype=np.float16)],
         lambda x, w, b: F.layer_norm(x, [8], w, b), tolerance=4e-3)
    case("rms_norm", [d.normal(3, 5), d.normal(5)], lambda x, w: F.rms_norm(x, [5], w, 1e-6))
    case("rms_norm", [d.normal(2, 3, 2)], lambda x: F.rms_norm(x, [3, 2], eps=0.2), {"axes": [1, 2], "eps": 0.2})
    case("group_norm", [d.normal(2, 6, 3), d.normal(6), d.normal(6)], lambda x, w, b: F.group_norm(x, 3, w, b), {"groups": 3})
    case("group_norm", [d.normal(2, 4)], lambda x: F.group_norm(x, 2), {"groups": 2})
    case("group_norm", [d.normal(1, 4, 2, 2), d.normal(4)], lambda x, w: F.group_norm(x, 1, w), {"groups": 1})
    case("instance_norm", [d.normal(2, 3, 4), d.normal(3), d.normal(3)], lambda x, w, b: F.instance_norm(x, weight=w, bias=b))
    case("instance_norm", [d.normal(1, 2, 2, 3)], lambda x: F.instance_norm(x, eps=0.5), {"eps": 0.5})
    def training(x, w=None, b=None, axis=1, eps=1e-5):
        over = [a for a in range(x.dim()) if a != axis]
        shape = [x.shape[a] if a == axis else 1 for a in range(x.dim())]
        mean, var = x.mean(over), x.var(over, correction=0)
        y = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + eps)
        y = y if w is None else y * w.view(shape)
        return (y if b is None else y + b.view(shape)), mean, var
    x = d.normal(4, 3, 2)
    assert torch.allclose(training(torch.tensor(x))[0], F.batch_norm(torch.tensor(x), None, None, training=True), atol=1e-5)
    case("batch_norm_training", [x, d.normal(3), d.normal(3)], training)
    case("batch_norm_training", [d.normal(5, 2)], training)
    case("batch_norm_training", [d.normal(2, 3, 4, 2), d.normal(2)], lambda x, w: training(x, w, None, 3, 0.01),
         {"axis": 3, "eps": 0.01})
    case("batch_norm", [d.normal(2, 3, 2), d.normal(3), d.uniform(0.5, 2, 3), d.normal(3), d.normal(3)],
         lambda x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b), gradients=False)
    case("batch_norm", [d.normal(2, 3), d.normal(3), d.uniform(0.5, 2, 3)],
         lambda x, m, v: (x - m) / torch.sqrt(v + 0.1), {"eps": 0.1})
    for p in [2.0, 1.0, 3.0, float("inf")]:
        case("normalize", [d.normal(2, 4)], lambda x: F.normalize(x, p), {"p": p})
    case("normalize", [np.array([[3, 4], [0, 0]], np.float32)], lambda x: F.normalize(x, dim=-1), {"axis": -1}, gradients=False)
    write("norm")


def losses():
    d = Draw("loss")
    both = lambda: [d.normal(2, 3, scale=2), d.normal(2, 3)]
    for reduction in ["none", "mean", "sum"]:
        r = {"reduction": reduction}
        case("mse_loss", both(), lambda x, t: F.mse_loss(x, t, **r), r)
        case("l1_loss", both(), lambda x, t: F.l1_loss(x, t, **r), r)
        case("huber_loss", both(), lambda x, t: F.huber_loss(x, t, delta=0.7, **r), {"delta": 0.7, **r})
        case("smooth_l1_loss", both(), lambda x, t: F.smooth_l1_loss(x, t, beta=0.7, **r), {"beta": 0.7, **r})
        p, t, w = d.uniform(0.05, 0.95, 2, 3), d.uniform(0, 1, 2, 3), d.uniform(0.5, 2, 2, 3)
        case("binary_cross_entropy", [p, t], lambda x, t: F.binary_cross_entropy(x, t, **r), r)
        case("binary_cross_entropy_with_logits", [d.normal(2, 3), t],
             lambda x, t: F.binary_cross_entropy_with_logits(x, t, **r), r)
        case("poisson_nll_loss", both(), lambda x, t: F.poisson_nll_loss(x, t, **r), r)
        case("soft_margin_loss", [d.normal(3), np.array([1, -1, 1], np.float32)],
             lambda x, t: F.soft_margin_loss(x, t.detach(), **r), r, gradients=False)
        case("hinge_embedding_loss", [d.normal(3), np.array([1, -1, -1], np.float32)],
             lambda x, t: F.hinge_embedding_loss(x, t.detach(), margin=1.5, **r), {"margin": 1.5, **r}, gradients=False)
        case("margin_ranking_loss", [d.normal(4), d.normal(4), np.array([1, -1, 1, -1], np.float32)],
             lambda a, b, t: F.margin_ranking_loss(a, b, t, margin=0.4, **r), {"margin": 0.4, **r})
        case("hinge_loss", [d.normal(4), np.array([1, -1, 1, -1], np.float32)],
             lambda x, t: {"none": lambda v: v, "mean": torch.mean, "sum": torch.sum}[reduction](F.relu(1 - x * t)), r)
    case("binary_cross_entropy", [p, t, w], lambda x, t, w: -(w * (t * x.log() + (1 - t) * (1 - x).log())).mean())
    case("binary_cross_entropy_with_logits", [d.normal(2, 3), t, w, d.uniform(0.5, 3, 3)],
         lambda x, t, w, pw: (w * ((1 - t) * F.softplus(x) + pw * t * F.softplus(-x))).mean())
    x, t = torch.randn(3, dtype=torch.float64), torch.rand(3, dtype=torch.float64)
    pw = torch.rand(3, dtype=torch.float64)
    assert torch.allclose(F.binary_cross_entropy_with_logits(x, t, pos_weight=pw),
                          ((1 - t) * F.softplus(x) + pw * t * F.softplus(-x)).mean())
    case("binary_cross_entropy_with_logits", [np.array([-80, 80, -80, 80], np.float32), np.array([0, 0, 1, 1], np.float32)],
         lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"), {"reduction": "none"}, gradients=False)
    logp = np.log(scipy.special.softmax(d.normal(2, 3).astype(np.float64), -1)).astype(np.float32)
    q = scipy.special.softmax(d.normal(2, 3).astype(np.float64), -1).astype(np.float32)
    for reduction in ["none", "mean", "sum", "batchmean"]:
        case("kl_div", [logp, q], lambda x, t: F.kl_div(x, t, reduction=reduction), {"reduction": reduction})
        case("kl_div", [logp, np.log(q)], lambda x, t: F.kl_div(x, t, reduction=reduction, log_target=True),
             {"log_target": True, "reduction": reduction})
    case("poisson_nll_loss", [d.uniform(0.5, 3, 4), d.uniform(0, 3, 4)],
         lambda x, t: F.poisson_nll_loss(x, t, log_input=False), {"log_input": False})
    write("loss")


def classes():
    d = Draw("classes")
    weight = d.uniform(0.5, 2, 4)
    for reduction in ["none", "mean", "sum"]:
        r = {"reduction": reduction}
        for shape in [(3, 4), (2, 4, 3), (4,), (2, 4, 2, 2)]:
            target = d.integers(0, 4, *(shape[:1] + shape[2:] if len(shape) > 1 else ()))
            long = lambda t: t.long()
            case("nll_loss", [d.normal(*shape), target], lambda x, t: F.nll_loss(x, long(t), **r), r)
            case("cross_entropy", [d.normal(*shape), target], lambda x, t: F.cross_entropy(x, long(t), **r), r)
            case("cross_entropy", [d.normal(*shape), target], lambda x, t: F.cross_entropy(x, long(t), label_smoothing=0.1, **r),
                 {"label_smoothing": 0.1, **r})
            probabilities = scipy.special.softmax(d.normal(*shape).astype(np.float64), 1 if len(shape) > 1 else 0)
            case("cross_entropy", [d.normal(*shape), probabilities.astype(np.float32)],
                 lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2, **r), {"label_smoothing": 0.2, **r})
        target = np.array([1, 3, 0, 3, 2], np.int64)
        x = d.normal(5, 4)
        fixed = torch.tensor(weight.astype(np.float64))
        case("nll_loss", [x, target, weight], lambda x, t, w: F.nll_loss(x, t, fixed, ignore_index=3, **r),
             {"ignore_index": 3, **r})
        case("cross_entropy", [x, target, weight], lambda x, t, w: F.cross_entropy(
            x, t, fixed, ignore_index=3, label_smoothing=0.3, **r), {"ignore_index": 3, "label_smoothing": 0.3, **r})
        ignored = np.array([1, -100, 0, -100, 2], np.int32)
        case("cross_entropy", [x, ignored], lambda x, t: F.cross_entropy(x, t.long(), **r), r)
        probabilities = scipy.special.softmax(d.normal(5, 4).astype(np.float64), 1).astype(np.float32)
        case("cross_entropy", [x, probabilities, weight], lambda x, t, w: F.cross_entropy(x, t, fixed, **r), r)
    case("cross_entropy", [d.normal(3, 4, dtype=np.float16), np.array([0, 2, 3], np.int32)],
         lambda x, t: F.cross_entropy(x, t.long()), tolerance=2e-3)
    write("cross_entropy")


def indexing():
    d = Draw("index")
    x = d.normal(3, 4)
    case("gather", [x, d.integers(0, 4, 3, 2)], lambda x, i: torch.gather(x, 1, i.long()), {"axis": 1})
    case("gather", [x, d.integers(0, 3, 5, 4)], lambda x, i: torch.gather(x, 0, i.long()), {"axis": -2})
    case("gather", [x, d.integers(0, 3, 2, 2)], lambda x, i: torch.gather(x, 0, i.long()), {"axis": 0})
    index = np.array([[0, 2, 2, 1], [2, 0, 1, 1]], np.int32)
    unique = np.array([[0, 2, 1, 1], [2, 0, 2, 0]], np.int32)
    updates = d.normal(2, 4)
    case("scatter", [x, unique, updates], lambda x, i, u: torch.scatter(x, 0, i.long(), u), {"axis": 0})
    case("scatter", [x, index, updates], lambda x, i, u: torch.scatter_add(x, 0, i.long(), u), {"axis": 0, "mode": "add"})
    for mode in ["max", "min"]:
        case("scatter", [x, index, updates], lambda x, i, u: torch.scatter_reduce(x, 0, i.long(), u, "a" + mode),
             {"axis": 0, "mode": mode})
    for axis in [0, 1]:
        for shape in [(2,), (2, 2), ()]:
            i = d.integers(0, 3, *shape)
            case("take", [x, i], lambda x, i: torch.tensor(np.take(x.detach().numpy(), i.numpy(), axis)), {"axis": axis},
                 gradients=False)
    case("take", [x, np.array([1, 1, -1], np.int32)], lambda x, i: x[i.long()])
    case("index", [x, np.array([0, -1], np.int64), np.array([1, 3], np.int64)], lambda x, i, j: x[i, j])
    case("index", [d.normal(2, 3, 4), np.array([[0], [2]], np.int64), np.array([1, -1, 0], np.int64)],
         lambda x, i, j: x[:, i, j], {"axis": 1})
    def put(x, values, *indices, accumulate=False):
        return x.index_put(tuple(i.long() for i in indices), values, accumulate)
    case("index_put", [x, d.normal(2), np.array([0, 2], np.int32), np.array([1, 3], np.int32)], put)
    case("index_put", [x, d.normal(3), np.array([0, 0, 2], np.int32), np.array([1, 1, -1], np.int32)],
         lambda x, v, i, j: put(x, v, i, j, accumulate=True), {"mode": "add"})
    case("index_put", [x, d.normal(4), np.array([2, 0], np.int32)], lambda x, v, i: put(x, v, i))
    case("one_hot", [d.integers(0, 5, 2, 3)], lambda i: F.one_hot(i.long(), 5).int(), {"classes": 5}, gradients=False)
    case("embedding", [x, np.array([[2, 0], [2, 1]], np.int64)], lambda w, i: F.embedding(i, w))
    def update(x, y, start):
        return torch.slice_scatter(torch.clone(x), torch.slice_scatter(
            x[start[0]:start[0] + y.shape[0]], y, 1, start[1], start[1] + y.shape[1]), 0, start[0], start[0] + y.shape[0])
    case("slice_update", [x, d.normal(2, 3)], lambda x, y: update(x, y, (1, 0)), {"start": [1, 0]})
    case("slice_update", [x, d.normal(2, 3), np.array(1, np.int32), np.array(1, np.int32)],
         lambda x, y, i, j: update(x, y, (1, 1)))
    case("slice_update", [x, d.normal(1, 4), np.array(2, np.int64)], lambda x, y, i: update(x, y, (2, 0)), {"axes": [0]})
    write("index")


def optimizers():
    d = Draw("optim")

    def run(make, steps):
        """The states of torch's optimizer before and after step number `steps`."""
        p = torch.nn.Parameter(torch.tensor(start.astype(np.float64)))
        optimizer = make([p])
        for g in gradients[:steps - 1]:
            p.grad = torch.tensor(g.astype(np.float64))
            optimizer.step()
        read = lambda: {"p": p.detach().clone(), **{k: v.clone() for k, v in optimizer.state[p].items()
                                                    if torch.is_tensor(v)}}
        before = read()
        p.grad = torch.tensor(gradients[steps - 1].astype(np.float64))
        optimizer.step()
        return before, read()

    def step(op, make, attrs, keys, n, numbered):
        before, after = run(make, n)
        states = [np.round(before[k].numpy(), 6).astype(np.float32) if k in before else np.zeros(4, np.float32) for k in keys]
        # The values that enter are rounded to float32: make the same step again from those.
        p = torch.nn.Parameter(torch.tensor(before["p"].numpy().astype(np.float32).astype(np.float64)))
        optimizer = make([p])
        g = gradients[n - 1]
        p.grad = torch.tensor(g.astype(np.float64))
        if n > 1 and keys:
            state = {k: torch.tensor(s.astype(np.float64)) for k, s in zip(keys, states)}
            if numbered:
                state["step"] = torch.tensor(float(n - 1))
            optimizer.state[p] = state
        inputs = [p.detach().numpy().astype(np.float32), g, *states, np.float32(rate)]
        optimizer.step()
        results = [p.detach(), *[optimizer.state[p][k] for k in keys]]
        if numbered or attrs.get("dampening"):
            inputs.append(np.int32(n))
        case(op, inputs, lambda *_: tuple(results), attrs, gradients=False)

    rate = 0.05
    start = d.normal(4)
    gradients = [d.normal(4) for _ in range(5)]
    optim = torch.optim
    for n in [1, 3]:
        for decay in [0.0, 0.1]:
            step("sgd", lambda p: optim.SGD(p, np.float32(rate).item(), weight_decay=decay), {"weight_decay": decay}, [], n, False)
            for nesterov in [False, True]:
                step("sgd_momentum", lambda p: optim.SGD(p, np.float32(rate).item(), 0.8, weight_decay=decay, nesterov=nesterov),
                     {"momentum": 0.8, "weight_decay": decay, "nesterov": nesterov}, ["momentum_buffer"], n, False)
            step("sgd_momentum", lambda p: optim.SGD(p, np.float32(rate).item(), 0.8, 0.3, decay),
                 {"momentum": 0.8, "dampening": 0.3, "weight_decay": decay}, ["momentum_buffer"], n, False)
            for op, kind in [("adam", optim.Adam), ("adamw", optim.AdamW)]:
                step(op, lambda p: kind(p, np.float32(rate).item(), (0.8, 0.95), 1e-6, decay),
                     {"beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weight_decay": decay}, ["exp_avg", "exp_avg_sq"], n, True)
    step("adam", lambda p: optim.Adam(p, np.float32(rate).item()), {}, ["exp_avg", "exp_avg_sq"], 1, True)
    write("optim")


if __name__ == "__main__":
    for family in [activations, linalg, convolutions, pools, attention, norms, losses, classes, indexing, optimizers]:
        family()
