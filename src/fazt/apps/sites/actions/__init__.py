"""What pages, routes and scripts do with sites: deploy, change, delete; each is shown when it returns."""

from fazt.apps.sites.actions.addresses import dashboard_url, site_url
from fazt.apps.sites.actions.changes import (
    add_domain,
    change_options,
    change_password,
    create_site,
    delete_site,
    get_site,
    list_sites,
    prune,
    remove_domain,
    rename_site,
    restore_site,
    roll_back,
)
from fazt.apps.sites.actions.deploys import (
    MAX_BATCH_BYTES,
    Plan,
    Report,
    begin,
    deploy_archive,
    finish,
    get_begun,
    put_files,
    receive_batch,
    receive_blob,
)
from fazt.apps.sites.actions.limits import read_limits

__all__ = [
    "MAX_BATCH_BYTES",
    "Plan",
    "Report",
    "add_domain",
    "begin",
    "change_options",
    "change_password",
    "create_site",
    "dashboard_url",
    "delete_site",
    "deploy_archive",
    "finish",
    "get_begun",
    "get_site",
    "list_sites",
    "prune",
    "put_files",
    "read_limits",
    "receive_batch",
    "receive_blob",
    "remove_domain",
    "rename_site",
    "restore_site",
    "roll_back",
    "site_url",
]
