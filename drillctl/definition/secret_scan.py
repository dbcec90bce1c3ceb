"""Secrets do not stand in a definition file: it is recorded with every run, comments and all."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from drillctl.definition.document import Path, Report
from drillctl.definition.source import position_of

_HINT = "put it into an environment variable and name that in a `*_env` key"
_KEY = re.compile(
    r"(?:.*[_-])?(?:pg)?(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key)",
    re.IGNORECASE,
)
# Written so that no part can begin inside a run of itself: the time stays linear in the text.
_TEXT = (
    ("a URI with a password", re.compile(r"://[^\s/:@\"']*:(?!\*\*\*@)[^\s/@]+@")),
    ("a password in a URI", re.compile(r"[?&](?:password|sslpassword)=[^&\s\"']+")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
)
_MOST = 20  # of each kind: who has more knows what to look for by then
_CONNINFO = re.compile(r"(?<![?&])\bpassword\s?=\s?[^\s'\"]+", re.IGNORECASE)


def report_secrets(report: Report) -> None:
    """Reported without the secret itself."""
    text = report.document.source.text
    for what, pattern in _TEXT:
        for match in islice(pattern.finditer(text), _MOST):
            line, column = position_of(text, match.start())
            report.add_at(line, column, f"{what} stands in the file", hint=_HINT)
    _look(report.document.data, (), report)


def _look(data: Any, path: Path, report: Report) -> None:
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, str) and value and _KEY.fullmatch(key):
                report.add(
                    (*path, key), f"`{key}` holds a secret in the file", hint=_HINT, at="key"
                )
            _look(value, (*path, key), report)
    elif isinstance(data, list):
        for at, item in enumerate(data):
            _look(item, (*path, at), report)
    elif isinstance(data, str) and path[-1:] != ("sql",) and _CONNINFO.search(data):
        report.add(path, "a connection string with a password stands in the file", hint=_HINT)
