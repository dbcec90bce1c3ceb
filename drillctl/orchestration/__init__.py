"""Orchestration: the drill, top to bottom, as a straight list."""
