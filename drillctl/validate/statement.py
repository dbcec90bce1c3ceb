"""What can be told of a user's SQL without a server: that it is one statement, and reads.

This is for a clear message before anything runs. What holds at run time is the role that cannot
write, the read-only transaction, and the protocol that takes one statement alone.
"""

from __future__ import annotations

import re

_BLANKS = re.compile(
    r"""
      --[^\n]*
    | /\*.*?\*/
    | \b[eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    """,
    re.VERBOSE | re.DOTALL,
)
_READS = ("select", "with", "table", "values", "show")


def one_reading_statement(sql: str) -> str:
    """`sql` without a `;` at its end. Raises ValueError when it is not one SELECT or the like."""
    bare = _BLANKS.sub(lambda at: " " if at[0].startswith(("--", "/*")) else "''", sql)
    word = re.match(r"[\s(]*(\w*)", bare)
    first = word[1].lower() if word else ""
    if not bare.strip():
        raise ValueError("the SQL is empty")
    if first not in _READS:
        raise ValueError(
            f"the SQL begins with `{first or bare.strip()[0]}`: a check only reads, so write one "
            "statement that begins with SELECT, WITH, TABLE, VALUES or SHOW"
        )
    if ";" in bare.rstrip().rstrip(";"):
        raise ValueError("the SQL holds more than one statement: give each a check of its own")
    return _without_end(sql)


def _without_end(sql: str) -> str:
    """A `;` may have a comment behind it; the server takes both, so only the plain end goes."""
    return sql.strip().rstrip(";").rstrip()
