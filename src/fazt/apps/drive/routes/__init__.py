"""HTTP of the drive: WebDAV, and the API that commands and pages use."""

from fazt.apps.drive.routes import api, sharing
from fazt.apps.drive.routes.dav import answer_dav, answer_root
from fazt.apps.drive.routes.links import answer_link
from fazt.apps.drive.routes.putting import put_now
from fazt.core.app import Mount

ROUTES = [
    *api.HANDLERS,
    *sharing.HANDLERS,
    Mount("/dav", answer_dav, access="own", help="WebDAV: your files at `/dav/files/`.", front_put=put_now),
    Mount("/drive/raw", answer_link, access="public", help="Files that were shared by link: `/drive/raw/TOKEN/PATH`."),
    Mount(
        "/",
        answer_root,
        access="own",
        help="OPTIONS and PROPFIND at the root, which Windows asks first.",
        methods=("OPTIONS", "PROPFIND"),
    ),
]
