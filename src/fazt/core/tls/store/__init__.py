"""Rules and SQL of certificates, host names and authorities."""

from fazt.core.tls.store.authorities import (
    Authority,
    add_root,
    find_authority,
    find_root,
    list_attempts,
    list_authorities,
    note_attempts,
    note_authority_failure,
    note_authority_success,
    prune_attempts,
    put_account,
)
from fazt.core.tls.store.certificates import (
    SIGNAL,
    add_certificate,
    delete_certificate,
    delete_certificates,
    get_certificate,
    list_certificates,
    put_renewal,
)
from fazt.core.tls.store.hosts import forget_hosts, list_hosts, note_failure, note_success, note_waiting, try_again
from fazt.core.tls.store.keeping import KEEP_JOB, wake_keeper

__all__ = [
    "KEEP_JOB",
    "SIGNAL",
    "Authority",
    "add_certificate",
    "add_root",
    "delete_certificate",
    "delete_certificates",
    "find_authority",
    "find_root",
    "forget_hosts",
    "get_certificate",
    "list_attempts",
    "list_authorities",
    "list_certificates",
    "list_hosts",
    "note_attempts",
    "note_authority_failure",
    "note_authority_success",
    "note_failure",
    "note_success",
    "note_waiting",
    "prune_attempts",
    "put_account",
    "put_renewal",
    "try_again",
    "wake_keeper",
]
