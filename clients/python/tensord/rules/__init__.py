"""The type rules: the shape and dtype of every result, found here without a round trip.

A closed list of named functions, the same in every client; the daemon stays the authority
(engine/ops/type_rules.h says what each rule reads and gives, clients/conformance holds the clients
to it). Messages are the daemon's, word for word.
"""

from tensord.rules.common import RuleInput, broadcast_shapes, normalize_axes, normalize_axis
from tensord.rules.dtype import DTYPE_RULES
from tensord.rules.shape import SHAPE_RULES

__all__ = [
    "DTYPE_RULES",
    "SHAPE_RULES",
    "RuleInput",
    "broadcast_shapes",
    "normalize_axes",
    "normalize_axis",
]
