"""pg_dump: logical dumps in every format that pg_dump and pg_dumpall write.

A restore, told in order: `choose` finds the dump, `sniff` names its format by content, `archive`
reads an archive's table of contents (`scan` a plain dump's), `server` meets what it needs (roles,
database, extensions), `run_archive` or `run_plain` restores, `present` asks for every object.
"""
