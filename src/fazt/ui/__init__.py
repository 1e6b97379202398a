"""What pages share: layout, components, styles, vendored browser modules."""

from fazt.ui.pages import error_page, local_path, page, redirect
from fazt.ui.render import render

__all__ = ["error_page", "local_path", "page", "redirect", "render"]
