"""The text of the systemd unit."""

from __future__ import annotations

from procession.cli.daemon_unit import unit_text


def test_words_that_systemd_would_read_otherwise() -> None:
    text = unit_text(("/opt/my tools/100%/py$1", "-m", "procession"), {"PN_JOBS": "/tmp/a b$"})
    assert 'ExecStart="/opt/my tools/100%%/py$$1" -m procession daemon start\n' in text
    assert 'Environment="PN_JOBS=/tmp/a b$"\n' in text


def test_stopping_the_unit_leaves_the_jobs_alone() -> None:
    text = unit_text(("/usr/bin/python3", "-m", "procession"), {})
    assert "KillMode=process" in text
    assert "Environment" not in text
    assert text.count("/usr/bin/python3 -m procession daemon") == 3
