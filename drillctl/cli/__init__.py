"""The face: only cli prints and exits. Heavy imports stay inside commands."""
