"""Roles by plan: who is named in a dump, and what of a globals file is run."""

from __future__ import annotations

import pytest

from drillctl.restore.engines.pg_dump.roles import _runnable, _statements, roles_in


@pytest.mark.parametrize(
    ("statement", "roles"),
    [
        ("GRANT ALL ON TABLE public.t TO app;", {"app"}),
        ('GRANT SELECT ON TABLE public."a TO b" TO "Odd ""One" WITH GRANT OPTION;', {'Odd "One'}),
        ("REVOKE ALL ON SCHEMA public FROM PUBLIC;", set()),
        ("REVOKE ALL ON SCHEMA public FROM app;", {"app"}),
        ("ALTER TABLE public.t OWNER TO app;", {"app"}),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA x GRANT SELECT ON TABLES TO reader;",
            {"app", "reader"},
        ),
        (
            'CREATE POLICY p ON public.t AS PERMISSIVE FOR SELECT TO app, "B" USING '
            "((extract(year FROM at) > 2000));",
            {"app", "B"},
        ),
        ("CREATE POLICY p ON public.t USING ((owner = 'x TO y'));", set()),
        ("CREATE SCHEMA x AUTHORIZATION app;", {"app"}),
        ("SET SESSION AUTHORIZATION app;", {"app"}),
        ("CREATE USER MAPPING FOR app SERVER s OPTIONS (", {"app"}),
    ],
)
def test_every_role_that_a_statement_names(statement: str, roles: set[str]) -> None:
    assert roles_in(statement) == roles


@pytest.mark.parametrize(
    ("statement", "run"),
    [
        ("CREATE ROLE app;", "CREATE ROLE app;"),
        (
            "ALTER ROLE app WITH LOGIN PASSWORD 'SCRAM-SHA-256$x''y' VALID UNTIL 'infinity';",
            "ALTER ROLE app WITH LOGIN VALID UNTIL 'infinity';",
        ),
        ("ALTER ROLE app SET search_path TO 'x';", "ALTER ROLE app SET search_path TO 'x';"),
        (
            "GRANT app TO reader WITH INHERIT TRUE GRANTED BY postgres;",
            "GRANT app TO reader WITH INHERIT TRUE;",
        ),
        ("COMMENT ON ROLE app IS 'x';", "COMMENT ON ROLE app IS 'x';"),
        ("CREATE TABLESPACE fast OWNER app LOCATION '/mnt/fast';", ""),
        ("ALTER ROLE app IN DATABASE x SET a TO 'b';", ""),
        ("GRANT ALL ON TABLESPACE fast TO app;", ""),
        ("COPY t FROM PROGRAM 'id';", ""),
        ("DROP TABLE t;", ""),
    ],
)
def test_only_roles_are_run_and_no_password(statement: str, run: str) -> None:
    assert _runnable(statement) == run


def test_a_comment_may_go_over_several_lines() -> None:
    lines = ["-- Roles\n", "\\restrict x\n", "\n", "COMMENT ON ROLE a IS 'one;\n", "two';\n"]
    assert list(_statements(lines)) == ["COMMENT ON ROLE a IS 'one;\ntwo';\n"]
