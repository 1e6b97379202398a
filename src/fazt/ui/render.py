"""Templates: `ui/…` here, `<app>/…` in each app's own folder; everything escaped, nothing undefined."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import segno
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from fazt import __version__
from fazt.ui.assets import ROOT, asset
from fazt.ui.formats import (
    describe_schedule,
    format_ago,
    format_bytes,
    format_count,
    format_date,
    format_duration,
    plural,
    spark_path,
)
from fazt.ui.icons import icon

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import App
    from fazt.core.auth import Caller


class Loader(BaseLoader):
    """Finds `ui/x.html` in ui/templates/ui and `links/x.html` in apps/links/templates."""

    def get_source(self, _environment: Environment, template: str) -> tuple[str, str, Any]:
        """See Jinja2. Raises TemplateNotFound."""
        owner, _, rest = template.partition("/")
        folder = ROOT / "templates" / "ui" if owner == "ui" else ROOT.parent / "apps" / owner / "templates"
        path = folder / rest
        if ".." in template.split("/") or not owner.isalnum() or not path.is_file():
            raise TemplateNotFound(template)
        return path.read_text(), str(path), lambda: True


@lru_cache(maxsize=1)
def get_environment() -> Environment:
    """The one environment of all pages."""
    environment = Environment(
        loader=Loader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        bytes=format_bytes,
        count=format_count,
        ago=format_ago,
        date=format_date,
        duration=format_duration,
        plural=plural,
        schedule=describe_schedule,
    )
    environment.globals.update(
        icon=icon,
        asset=asset,
        qr_svg=qr_svg,
        spark_path=spark_path,
        version=__version__,
        range=range,
        format_bytes=format_bytes,
        format_count=format_count,
    )
    return environment


def qr_svg(text: str) -> Markup:
    """A QR code as inline SVG without fixed size; the quiet zone is the white box around it."""
    drawing = segno.make(text, error="m", micro=False).svg_inline(scale=1, border=1, omitsize=True)
    return Markup(drawing)  # noqa: S704 - squares drawn by segno; the text is not among them


def nav_apps(core: Core | None) -> list[App]:
    """The apps that have a page of their own, in their order."""
    apps = core.apps if core is not None else ()
    return [app for app in apps if app.path not in {"", "/"} and "pages" in app.parts]


HOUSE = (
    ("people", "People", "/people"),
    ("jobs", "Jobs", "/jobs"),
    ("events", "Activity", "/activity"),
    ("storage", "Storage", "/storage"),
    ("certificates", "Certificates", "/certificates"),
    ("settings", "Settings", "/settings"),
)
OURS = (("chart", "Analytics", "/analytics"), ("share", "Shared links", "/shares"))


def house_pages(caller: Caller | None) -> list[tuple[str, str, str]]:
    """(icon, title, path) of what belongs to no app, as this person may see it."""
    return [] if caller is None else [*OURS, *(HOUSE if caller.is_owner else ())]


def render(core: Core | None, caller: Caller | None, name: str, /, **context: Any) -> str:
    """The page `name` as HTML, e.g. `render(core, caller, "drops/open.html", drop=drop)`.

    Every template knows `me` (the caller; None for strangers), `apps`, `path`, `theme` and `flash` besides `context`.
    """
    known: dict[str, Any] = {
        "me": caller,
        "apps": nav_apps(core),
        "house": house_pages(caller),
        "path": "",
        "theme": "",
        "flash": None,
        "domain": core.config.domain if core is not None else "localhost",
    }
    return get_environment().get_template(name).render({**known, **context})
