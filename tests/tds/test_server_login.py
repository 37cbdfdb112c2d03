"""Who gets in, how, and what they are told who do not."""

from __future__ import annotations

from typing import Any

import pytest

Connect = Any


@pytest.mark.parametrize("encrypt", ["yes", "no", "optional", "mandatory"])
def test_a_client_logs_in_encrypted_or_not(connect: Connect, encrypt: str) -> None:
    row = connect(Encrypt=encrypt).execute("SELECT 1 AS one, N'zażółć' AS text, DB_NAME() AS name").fetchone()
    assert tuple(row) == (1, "zażółć", "Sales")


def test_a_wrong_password_is_18456(connect: Connect) -> None:
    with pytest.raises(Exception, match=r"Login failed for user 'sa'\. \(18456\)") as refused:
        connect(PWD="wrong")
    assert refused.value.args[0] == "28000"


def test_an_unknown_login_is_18456(connect: Connect) -> None:
    with pytest.raises(Exception, match=r"Login failed for user 'who'\. \(18456\)"):
        connect(UID="who")


def test_an_unknown_database_is_4060(connect: Connect) -> None:
    with pytest.raises(Exception, match=r'Cannot open database "Nowhere" requested by the login.*\(4060\)'):
        connect(DATABASE="Nowhere")
