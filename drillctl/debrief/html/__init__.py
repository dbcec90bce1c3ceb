"""The debrief as one self-contained page: no script, no request, light and dark, made to print."""
