"""Contractions, convolutions, activations, norms, losses, attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tensord import _ops as ops
from tensord.context import training
from tensord.dtype import DType, to_dtype
from tensord.errors import ShapeError, ValueProblem
from tensord.tensor.pools import PoolMixin, as_tuple, padding_for

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["NnMixin"]


class NnMixin(PoolMixin):
    """What networks are made of. Layouts are PyTorch's: [batch, channels, spatial axes …]."""

    __slots__ = ()

    # ------------------------------------------------------------------ contractions

    def matmul(self, x: Tensor, reverse: bool = False, dtype: DType | str | None = None) -> Tensor:
        """numpy.matmul: [..., m, k] @ [..., k, n]; vectors are rows on the left, columns on the
        right. `dtype` is that of the result."""
        a, b = (x, self) if reverse else (self, x)
        out = ops.matmul(a, b)
        return out if dtype is None else out.cast(to_dtype(dtype))

    def dot(self, w: Tensor, dtype: DType | str | None = None) -> Tensor:
        """tinygrad's name of matmul."""
        return self.matmul(w, dtype=dtype)

    def __matmul__(self, x: Any) -> Tensor:
        return ops.matmul(self, x)

    def __rmatmul__(self, x: Any) -> Tensor:
        return ops.matmul(x, self)

    def newton_schulz(self, steps: int, params: Sequence[float], eps: float = 1e-7) -> Tensor:
        """Newton and Schulz's iteration towards the nearest orthogonal matrix, as Muon takes it.

        The matrices of the last two axes are divided by their Frobenius norms; each of `steps`
        steps makes x of sum(params[i] * (x @ x.T)^i @ x).
        """
        if self.ndim < 2:
            raise ShapeError(f"newton_schulz: {tuple(self.shape)} has no matrices; reshape it")
        x = cast("Tensor", self) / (self.square().sum((-2, -1), keepdim=True).sqrt() + eps)
        tall = self.shape[-2] > self.shape[-1]
        x = x.transpose(-2, -1) if tall else x
        for _ in range(steps):
            square, power = x @ x.transpose(-2, -1), x
            total = x * params[0]
            for factor in params[1:]:
                power = square @ power
                total = total + power * factor
            x = total
        return x.transpose(-2, -1) if tall else x

    @staticmethod
    def einsum(formula: str, *operands: Any, dtype: DType | str | None = None) -> Tensor:
        """numpy's notation: "ij,jk->ik", "...ab->...ba", implicit results too."""
        parts = (
            operands[0]
            if len(operands) == 1 and isinstance(operands[0], list | tuple)
            else (operands)
        )
        out = ops.einsum(list(parts), equation=formula)
        return out if dtype is None else out.cast(to_dtype(dtype))

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """self @ weight + bias: the weight is [in, out]; one of rank 1 scales."""
        x = self * weight if weight.ndim == 1 else self.matmul(weight)
        return x if bias is None else x + bias

    def sequential(self, layers: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
        """layers[-1](… layers[0](self))."""
        x = cast("Tensor", self)
        for layer in layers:
            x = layer(x)
        return x

    # ------------------------------------------------------------------ convolutions, pools

    def conv2d(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
    ) -> Tensor:
        """Convolution over any number of spatial axes: weight [out, in / groups, *kernel].

        `padding`: one number, one for each axis, or (low, high) of each axis, last axis first.
        """
        return ops.conv(
            self,
            weight,
            bias,
            stride=as_tuple(stride),
            dilation=as_tuple(dilation),
            padding=padding_for(padding, self.ndim - 2),
            groups=groups,
        )

    def conv_transpose2d(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
    ) -> Tensor:
        """The gradient of conv2d in its input, as an operation: weight [in, out / groups, *k]."""
        return ops.conv_transpose(
            self,
            weight,
            bias,
            stride=as_tuple(stride),
            groups=groups,
            padding=padding_for(padding, self.ndim - 2),
            output_padding=as_tuple(output_padding),
            dilation=as_tuple(dilation),
        )

    # ------------------------------------------------------------------ activations

    def relu(self) -> Tensor:
        return ops.relu(self)

    def relu6(self) -> Tensor:
        return ops.relu6(self)

    def leaky_relu(self, neg_slope: float = 0.01) -> Tensor:
        return ops.leaky_relu(self, negative_slope=neg_slope)

    def prelu(self, weight: Tensor) -> Tensor:
        """Self where positive, else self * weight: one number, or one per channel (axis 1)."""
        return ops.prelu(self, weight)

    def glu(self, axis: int = -1) -> Tensor:
        """The first half of an axis times the sigmoid of the second."""
        return ops.glu(self, axis=axis)

    def elu(self, alpha: float = 1.0) -> Tensor:
        return ops.elu(self, alpha=alpha)

    def celu(self, alpha: float = 1.0) -> Tensor:
        return ops.celu(self, alpha=alpha)

    def selu(self, alpha: float = 1.6732632423543772, gamma: float = 1.0507009873554805) -> Tensor:
        return ops.selu(self, alpha=alpha, gamma=gamma)

    def sigmoid(self) -> Tensor:
        return ops.sigmoid(self)

    def logsigmoid(self) -> Tensor:
        return ops.logsigmoid(self)

    def hardsigmoid(self, alpha: float = 1 / 6, beta: float = 0.5) -> Tensor:
        return ops.hardsigmoid(self, alpha=alpha, beta=beta)

    def hardswish(self) -> Tensor:
        return ops.hardswish(self)

    def hardtanh(self, min_val: float = -1, max_val: float = 1) -> Tensor:
        return ops.hardtanh(self, min=min_val, max=max_val)

    def softplus(self, beta: float = 1.0) -> Tensor:
        return ops.softplus(self, beta=beta)

    def softsign(self) -> Tensor:
        return ops.softsign(self)

    def mish(self) -> Tensor:
        return ops.mish(self)

    def silu(self) -> Tensor:
        return ops.silu(self)

    swish = silu

    def gelu(self, approximate: str = "tanh") -> Tensor:
        """x * Phi(x): by tanh as tinygrad's default, or exactly with approximate="none"."""
        return ops.gelu(self, approximate=approximate)

    def quick_gelu(self) -> Tensor:
        """x * sigmoid(1.702 x)."""
        return ops.quick_gelu(self)

    # ------------------------------------------------------------------ norms

    def layernorm(self, axis: int | Sequence[int] = -1, eps: float = 1e-5) -> Tensor:
        """Mean 0 and variance 1 over the axes."""
        return ops.layer_norm(self, axes=as_tuple(axis), eps=eps)

    def rmsnorm(self, axis: int | Sequence[int] = -1, eps: float = 1e-6) -> Tensor:
        """Root mean square 1 over the axes."""
        return ops.rms_norm(self, axes=as_tuple(axis), eps=eps)

    def batchnorm(
        self,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        invstd: Tensor,
        axis: int | Sequence[int] = 1,
    ) -> Tensor:
        """(self - mean) * invstd * weight + bias, along the channel axis."""
        axes = as_tuple(axis)
        shape = tuple(d if i in axes else 1 for i, d in enumerate(self.shape))
        x = self - mean.reshape(shape)
        if weight is not None:
            x = x * weight.reshape(shape)
        x = x * (invstd.reshape(shape) if invstd.ndim == len(axes) else invstd)
        return x if bias is None else x + bias.reshape(shape)

    # ------------------------------------------------------------------ losses

    def cross_entropy(
        self, target: Tensor, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> Tensor:
        """Of logits [N, C, …] against class numbers [N, …] or probabilities of self's shape."""
        return ops.cross_entropy(self, target, label_smoothing=label_smoothing, reduction=reduction)

    def sparse_categorical_crossentropy(
        self,
        Y: Tensor,
        ignore_index: int = -1,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> Tensor:
        """Of logits [..., C] against class numbers [...]; `ignore_index` does not count."""
        rows = self.reshape((-1, self.shape[-1]))
        out = ops.cross_entropy(
            rows,
            Y.flatten(),
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            reduction=reduction,
        )
        return out.reshape(Y.shape) if reduction == "none" else out

    def nll_loss(
        self,
        Y: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> Tensor:
        """-self[n, Y[n]]: of log-probabilities [N, C, …] against class numbers [N, …]."""
        return ops.nll_loss(self, Y, weight, ignore_index=ignore_index, reduction=reduction)

    def binary_crossentropy(self, Y: Tensor, reduction: str = "mean") -> Tensor:
        """Of probabilities against targets of 0 to 1."""
        return ops.binary_cross_entropy(self, Y, reduction=reduction)

    def binary_crossentropy_logits(
        self, Y: Tensor, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> Tensor:
        """Of logits against targets of 0 to 1; `pos_weight` weighs the positive ones."""
        weight = None if pos_weight is None else 1.0
        return ops.binary_cross_entropy_with_logits(
            self, Y, weight, pos_weight, reduction=reduction
        )

    # ------------------------------------------------------------------ attention

    def scaled_dot_product_attention(
        self,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        enable_gqa: bool = False,
    ) -> Tensor:
        """softmax(self @ key.T / sqrt(E) + mask) @ value, in one pass.

        Query [..., L, E], key [..., S, E], value [..., S, V]; a bool mask says where to attend, a
        float mask is added. `dropout_p` acts on the weights while training.
        """
        if is_causal and attn_mask is not None:
            raise ValueProblem("attention: is_causal and attn_mask exclude each other")
        if not training() or dropout_p == 0:
            return ops.scaled_dot_product_attention(
                self, key, value, attn_mask, is_causal=is_causal, enable_gqa=enable_gqa
            )
        if enable_gqa:
            raise ShapeError("attention: dropout and enable_gqa together; repeat the heads first")
        scores: Tensor = self.matmul(key.transpose(-2, -1)) * float(self.shape[-1]) ** -0.5
        if is_causal:
            attn_mask = scores.const_like(1).cast("bool").tril()
        if attn_mask is not None:
            masked = attn_mask.dtype.kind == "bool"
            scores = attn_mask.where(scores, float("-inf")) if masked else scores + attn_mask
        return scores.softmax(-1).dropout(dropout_p).matmul(value)

    # ------------------------------------------------------------------ by index

    def interpolate(
        self, size: Sequence[int], mode: str = "linear", align_corners: bool = False
    ) -> Tensor:
        """The last axes resampled to `size`: "linear", "nearest" or "nearest-exact"."""
        if mode not in ("linear", "nearest", "nearest-exact"):
            raise ValueProblem(
                f"interpolate: mode {mode!r}; expected linear, nearest or nearest-exact"
            )
        x = cast("Tensor", self)
        for axis, n in zip(range(x.ndim - len(size), x.ndim), size, strict=True):
            x = _resample(x, axis, n, mode, align_corners)
        return x

    def embedding(self, weight: Tensor) -> Tensor:
        """Rows of a table [V, D] at the numbers in self."""
        return ops.embedding(weight, self)


def _resample(x: Tensor, axis: int, n: int, mode: str, align_corners: bool) -> Tensor:
    m = x.shape[axis]
    if mode == "linear" and align_corners:
        at = np.arange(n) * ((m - 1) / max(n - 1, 1))
    else:
        at = (np.arange(n) + (0.0 if mode == "nearest" else 0.5)) * (m / n)
        at = at - 0.5 if mode == "linear" else at
    at = at.clip(0, m - 1)
    low = np.floor(at).astype(np.int32)
    start = ops.take(x, low, axis=axis)
    if mode != "linear":
        return start
    end = ops.take(x, np.minimum(low + 1, m - 1), axis=axis)
    shape = [n if i == axis else 1 for i in range(x.ndim)]
    weight = (at - low).astype(np.float32).reshape(shape)
    return ops.lerp(start, end, weight)
