"""HTTP of the drive: WebDAV, and the API that commands and pages use."""

from fazt.apps.drive.routes.dav import answer_dav, answer_root
from fazt.core.app import Mount

ROUTES = [
    Mount("/dav", answer_dav, access="own", help="WebDAV: your files at `/dav/files/`."),
    Mount(
        "/",
        answer_root,
        access="own",
        help="OPTIONS and PROPFIND at the root, which Windows asks first.",
        methods=("OPTIONS", "PROPFIND"),
    ),
]
