"""Type rules of the rows that have their own: each mirrors the row's `infer` in engine/ops/."""

from __future__ import annotations

from typing import Final

from tensord.rules import custom_index, custom_nn, custom_shape
from tensord.rules.custom_index import CustomRule

__all__ = ["CUSTOM_RULES"]

CUSTOM_RULES: Final[dict[str, CustomRule]] = {
    **custom_index.RULES,
    **custom_nn.RULES,
    **custom_shape.RULES,
}
