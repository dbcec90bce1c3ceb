"""Which provider fills an order: the one named, or with `auto` the best that can."""

from __future__ import annotations

from drillctl.errors import SandboxError
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.sandbox.contract import Order, Provider

AUTO = "auto"
_PREFERRED = ("docker", "process")


def choose_provider(name: str, order: Order) -> Provider:
    """Raises SandboxError `sandbox.unavailable` with each reason and what would mend it."""
    wanted = tuple(one for one in _PREFERRED if one in PROVIDERS) if name == AUTO else (name,)
    reasons, mends = [], []
    for one in wanted:
        if one not in PROVIDERS:
            raise SandboxError(
                "sandbox.unavailable",
                f"there is no sandbox provider {one!r}",
                expected=", ".join((AUTO, *PROVIDERS)),
                observed=one,
                hint="correct `provider` under `sandbox:`",
            )
        provider = PROVIDERS[one]()
        found = provider.look(order)
        if found.ok:
            return provider
        reasons.append(f"{one}: {found.reason}")
        mends.append(found.mend)
    raise SandboxError(
        "sandbox.unavailable",
        "no sandbox can be made on this machine" if name == AUTO else f"{name} cannot be used here",
        expected=name,
        observed="; ".join(reasons),
        hint="; or ".join(mend for mend in mends if mend),
    )
