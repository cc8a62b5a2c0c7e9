"""Layers, as tinygrad has them: plain objects whose tensors `nn.state` finds by their attributes.

No base class: a layer is anything callable that keeps its tensors as attributes. Initial values
follow PyTorch's (uniform within 1 / sqrt(fan in)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tensord import _ops as ops
from tensord.errors import ValueProblem
from tensord.nn import optim, state
from tensord.tensor import Tensor

__all__ = [
    "BatchNorm",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Embedding",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "LayerNorm2d",
    "Linear",
    "RMSNorm",
    "optim",
    "state",
]


def _uniform(shape: Sequence[int], fan_in: int) -> Tensor:
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
    return Tensor.uniform(*shape, low=-bound, high=bound)


class Linear:
    """x @ weight.T + bias: [..., in_features] -> [..., out_features]."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.weight = _uniform((out_features, in_features), in_features)
        self.bias = _uniform((out_features,), in_features) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        return ops.linear(x, self.weight, self.bias)


class Conv2d:
    """Convolution over [batch, in_channels, *spatial].

    `kernel_size` says how many spatial axes: a number means two. `padding`: one number, one for
    each axis, (low, high) of each axis with the last axis first, or "same" (stride 1 only).
    """

    axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        kernel = (kernel_size,) * self.axes if isinstance(kernel_size, int) else tuple(kernel_size)
        self.kernel_size = kernel
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.padding = _same(kernel, dilation, stride) if isinstance(padding, str) else padding
        if in_channels % groups or out_channels % groups:
            raise ValueProblem(
                f"groups = {groups} must divide {in_channels} and {out_channels} channels"
            )
        shape = (out_channels, in_channels // groups, *kernel)
        fan_in = math.prod(shape[1:])
        self.weight = _uniform(shape, fan_in)
        self.bias = _uniform((out_channels,), fan_in) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        return x.conv2d(
            self.weight, self.bias, self.groups, self.stride, self.dilation, self.padding
        )


def _same(
    kernel: Sequence[int], dilation: int | Sequence[int], stride: int | Sequence[int]
) -> list[int]:
    """What keeps the extents: low and high of each axis, last axis first."""
    if (stride if isinstance(stride, int) else max(stride)) != 1:
        raise ValueProblem("padding 'same' goes with stride 1 only")
    steps = [dilation] * len(kernel) if isinstance(dilation, int) else list(dilation)
    reach = [d * (k - 1) for d, k in zip(steps, kernel, strict=True)]
    return [p for r in reversed(reach) for p in (r // 2, r - r // 2)]


class Conv1d(Conv2d):
    """Convolution over [batch, in_channels, length]."""

    axes = 1


class ConvTranspose2d:
    """Transposed convolution over [batch, in_channels, *spatial]; weight [in, out / groups, *k]."""

    axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        kernel = (kernel_size,) * self.axes if isinstance(kernel_size, int) else tuple(kernel_size)
        self.kernel_size = kernel
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.padding, self.output_padding = padding, output_padding
        shape = (in_channels, out_channels // groups, *kernel)
        fan_in = math.prod(shape[1:])
        self.weight = _uniform(shape, fan_in)
        self.bias = _uniform((out_channels,), fan_in) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        return x.conv_transpose2d(
            self.weight,
            self.bias,
            self.groups,
            self.stride,
            self.dilation,
            self.padding,
            self.output_padding,
        )


class ConvTranspose1d(ConvTranspose2d):
    """Transposed convolution over [batch, in_channels, length]."""

    axes = 1


class BatchNorm:
    """Normalises each channel: over the batch while training, by running moments otherwise.

    Running moments move by `momentum` at each call while training; the running variance is the
    unbiased one, as PyTorch's.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        affine: bool = True,
        track_running_stats: bool = True,
        momentum: float = 0.1,
    ) -> None:
        self.eps, self.momentum, self.track_running_stats = eps, momentum, track_running_stats
        self.weight = Tensor.ones(num_features) if affine else None
        self.bias = Tensor.zeros(num_features) if affine else None
        if track_running_stats:
            self.running_mean = Tensor.zeros(num_features, requires_grad=False)
            self.running_var = Tensor.ones(num_features, requires_grad=False)
            self.num_batches_tracked = Tensor.zeros(dtype="int32", requires_grad=False)

    def __call__(self, x: Tensor) -> Tensor:
        if self.track_running_stats and not Tensor.training:
            return ops.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        out, mean, variance = ops.batch_norm_training(x, self.weight, self.bias, eps=self.eps)
        if self.track_running_stats:
            self._follow(x, mean.detach(), variance.detach())
        return out

    def _follow(self, x: Tensor, mean: Tensor, variance: Tensor) -> None:
        count = x.numel() // x.shape[1]
        unbiased = variance * (count / max(count - 1, 1))
        for moment, new in ((self.running_mean, mean), (self.running_var, unbiased)):
            moved = moment * (1 - self.momentum) + new.cast(moment.dtype) * self.momentum
            moment.assign(moved)
        self.num_batches_tracked.assign(self.num_batches_tracked + 1)


BatchNorm2d = BatchNorm3d = BatchNorm


class LayerNorm:
    """Mean 0 and variance 1 over the last axes, scaled and shifted."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
    ) -> None:
        shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.normalized_shape = shape
        self.axes = tuple(range(-len(shape), 0))
        self.eps = eps
        self.weight = Tensor.ones(*shape) if elementwise_affine else None
        self.bias = Tensor.zeros(*shape) if elementwise_affine else None

    def __call__(self, x: Tensor) -> Tensor:
        return ops.layer_norm(x, self.weight, self.bias, axes=self.axes, eps=self.eps)


class LayerNorm2d(LayerNorm):
    """LayerNorm over the channels of [batch, channels, height, width]."""

    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class GroupNorm:
    """Mean 0 and variance 1 over groups of channels of [batch, channels, …]."""

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True
    ) -> None:
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = Tensor.ones(num_channels) if affine else None
        self.bias = Tensor.zeros(num_channels) if affine else None

    def __call__(self, x: Tensor) -> Tensor:
        return ops.group_norm(x, self.weight, self.bias, groups=self.num_groups, eps=self.eps)


class InstanceNorm:
    """Mean 0 and variance 1 over each channel of each item."""

    def __init__(self, num_features: int, eps: float = 1e-5, affine: bool = True) -> None:
        self.num_features, self.eps = num_features, eps
        self.weight = Tensor.ones(num_features) if affine else None
        self.bias = Tensor.zeros(num_features) if affine else None

    def __call__(self, x: Tensor) -> Tensor:
        return ops.instance_norm(x, self.weight, self.bias, eps=self.eps)


class RMSNorm:
    """Root mean square 1 over the last axis, scaled."""

    def __init__(self, dim: int, eps: float = 1e-6, elementwise_affine: bool = True) -> None:
        self.dim, self.eps = dim, eps
        self.weight = Tensor.ones(dim) if elementwise_affine else None

    def __call__(self, x: Tensor) -> Tensor:
        return ops.rms_norm(x, self.weight, eps=self.eps)


class Embedding:
    """Rows of a table: integers [...] -> [..., embed_size]."""

    def __init__(self, vocab_size: int, embed_size: int) -> None:
        self.vocab_size, self.embed_size = vocab_size, embed_size
        self.weight = Tensor.glorot_uniform(vocab_size, embed_size)

    def __call__(self, index: Tensor) -> Tensor:
        return ops.embedding(self.weight, index)
