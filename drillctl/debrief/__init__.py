"""Debrief: what we learned. Reads evidence alone."""
