"""Talking to a daemon: addresses, sessions, transport."""
