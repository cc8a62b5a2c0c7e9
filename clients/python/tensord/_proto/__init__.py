"""Generated from proto/tensord/v1."""
