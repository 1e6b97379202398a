"""What pages share: layout, components, styles, vendored browser modules."""

from fazt.ui.forms import Form, read_form
from fazt.ui.pages import error_page, local_path, page, redirect
from fazt.ui.render import render

__all__ = ["Form", "error_page", "local_path", "page", "read_form", "redirect", "render"]
