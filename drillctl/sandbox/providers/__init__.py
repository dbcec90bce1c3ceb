"""Plug-ins: see the contract and catalogue one folder up."""
