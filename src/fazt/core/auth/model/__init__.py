"""People and their credentials: what they are, and the rules that need no database."""

from fazt.core.auth.model.credentials import (
    digest,
    is_token_shaped,
    new_app_password,
    new_recovery_code,
    new_session_secret,
    new_token_secret,
    normalize_code,
    normalize_secret,
)
from fazt.core.auth.model.people import (
    Account,
    Caller,
    Credential,
    Invitation,
    Issued,
    NewSession,
    Session,
    Token,
    User,
)
from fazt.core.auth.model.places import coarse_address, name_device, networks_of
from fazt.core.auth.model.rules import (
    check_email,
    check_handle,
    check_name,
    check_password,
    handle_from,
    normalize_login,
    normalize_password,
)
from fazt.core.auth.model.scopes import check_scope, covers, covers_some, pack_scopes, unpack_scopes

__all__ = [
    "Account",
    "Caller",
    "Credential",
    "Invitation",
    "Issued",
    "NewSession",
    "Session",
    "Token",
    "User",
    "check_email",
    "check_handle",
    "check_name",
    "check_password",
    "check_scope",
    "coarse_address",
    "covers",
    "covers_some",
    "digest",
    "handle_from",
    "is_token_shaped",
    "name_device",
    "networks_of",
    "new_app_password",
    "new_recovery_code",
    "new_session_secret",
    "new_token_secret",
    "normalize_code",
    "normalize_login",
    "normalize_password",
    "normalize_secret",
    "pack_scopes",
    "unpack_scopes",
]
