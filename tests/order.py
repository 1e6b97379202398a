"""Which files of tests run first: those that take longest, so that no process is left alone with one at the end."""

from __future__ import annotations

E2E = "tests/e2e/"
LONGEST_FIRST = (
    "tests/e2e/test_joplin.py",
    "tests/e2e/test_upgrade_package.py",
    "tests/e2e/test_upgrade.py",
    "tests/e2e/test_turn_calls.py",
    "tests/e2e/test_upgrade_release.py",
    "tests/e2e/test_pages.py",
    "tests/e2e/test_textdb_description.py",
    "tests/e2e/test_turn_clients.py",
    "tests/e2e/test_whole_pages.py",
    "tests/e2e/test_drops_pages.py",
    "tests/apps/home/test_cli.py",
    "tests/e2e/test_sites.py",
    "tests/core/tls/test_acme.py",
    "tests/e2e/test_mail_pages.py",
    "tests/e2e/test_systemd.py",
    "tests/apps/backup/test_routes.py",
    "tests/core/blobs/test_engine.py",
    "tests/e2e/test_textdb_crash.py",
    "tests/e2e/test_upgrade_pages.py",
    "tests/e2e/test_drive_pages.py",
    "tests/apps/mail/test_odd.py",
    "tests/core/blobs/test_machine.py",
    "tests/e2e/test_joplin_pages.py",
    "tests/e2e/test_joplin_fuzz.py",
    "tests/e2e/test_backup_pages.py",
    "tests/e2e/test_program.py",
    "tests/apps/turn/test_server.py",
    "tests/e2e/test_soak.py",
    "tests/e2e/test_sites_pages.py",
    "tests/e2e/test_disk_full.py",
    "tests/e2e/test_first_run.py",
    "tests/e2e/test_drops_clients.py",
    "tests/house/test_sizes.py",
    "tests/ui/test_render.py",
    "tests/apps/mail/test_sending.py",
)
"""Those of about twenty seconds and more. A new one may be missing here: then it runs with the others of its folder."""


def rank(path: str) -> int:
    """When a file's turn comes: these, then the other end-to-end tests, then all others."""
    if path in LONGEST_FIRST:
        return LONGEST_FIRST.index(path)
    return len(LONGEST_FIRST) + (0 if path.startswith(E2E) else 1)
