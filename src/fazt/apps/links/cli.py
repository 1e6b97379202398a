"""`fazt links …`: make, list, change and follow up short links."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from fazt.core.client import connect, show, show_rows, wants_json
from fazt.core.errors import NotFound

ROOT = "/api/v1/links"


@click.group()
def links() -> None:
    """Short links: make, list, change, and see who follows them.

    \b
    fazt links add https://example.com/a/long/page --slug page
    fazt links stats page
    """


def find(client: Any, slug: str) -> dict[str, Any]:
    """The link of a slug. Raises NotFound."""
    found = client.get(ROOT, params={"slug": slug})["links"]
    if not found:
        raise NotFound(f"There is no link {slug!r}.", hint="`fazt links list` shows those that there are.")
    link: dict[str, Any] = found[0]
    return link


def fields_of(options: dict[str, Any]) -> dict[str, Any]:
    """What the options say of a link; what was not given is left out."""
    from fazt.core.clock import DAY, system_clock  # noqa: PLC0415 - most commands never need it

    fields = {name: value for name, value in options.items() if value is not None and name not in {"tags", "days"}}
    if options.get("tags"):
        fields["tags"] = list(options["tags"])
    if options.get("days"):
        fields["expires_at"] = system_clock() + int(options["days"] * DAY)
    return fields


def link_options(command: Any) -> Any:
    """What a link may have."""
    for option in (
        click.option("--title", help="What it is called."),
        click.option("--tag", "tags", multiple=True, help="A tag; may be given several times."),
        click.option("--host", help="A short-link host, where it is not for all of them."),
        click.option("--status", type=click.Choice(["301", "302", "307", "308"]), help="How it redirects."),
        click.option("--days", type=float, help="Ends after so many days."),
        click.option("--max-visits", type=int, help="Ends after so many visits."),
        click.option("--password", help="Asked of everybody who follows it."),
    ):
        command = option(command)
    return command


@links.command("add")
@click.argument("target", metavar="URL")
@click.option("--slug", help="Its short name (default: a random one).")
@link_options
def add_link(target: str, status: str | None, **options: Any) -> None:
    """Make a short link; prints its address."""
    body = {"target": target, **fields_of(options)} | ({"status": int(status)} if status else {})
    with connect() as client:
        made = client.post(ROOT, body)
    show(made, lambda link: click.echo(link["url"]))


@links.command("list")
@click.argument("words", required=False, default="")
@click.option("--tag", "tags", multiple=True, help="With this tag.")
@click.option("--deleted", is_flag=True, help="Those that can be brought back.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="How many.")
def list_links(words: str, tags: tuple[str, ...], limit: int, *, deleted: bool) -> None:
    """List links, newest first; WORDS look in slug, target, title and tags."""
    with connect() as client:
        params: dict[str, Any] = {"q": words, "limit": limit, "deleted": json.dumps(deleted)}
        rows = client.get(ROOT, params=params | ({"tag": list(tags)} if tags else {}))["links"]
    if not wants_json():
        for row in rows:
            row["tags"] = ", ".join(row["tags"])
    columns = {"slug": "Slug", "target": "Leads to", "clicks": "Clicks", "tags": "Tags"}
    show_rows(rows, columns, "No link was deleted." if deleted else "No links yet. `fazt links add URL`")


@links.command("show")
@click.argument("slug")
def show_link(slug: str) -> None:
    """Show all of a link."""
    with connect() as client:
        link = find(client, slug)
    show(link, lambda found: click.echo("\n".join(f"{name}: {value}" for name, value in found.items())))


@links.command("edit")
@click.argument("slug")
@click.option("--target", metavar="URL", help="Where it leads.")
@click.option("--slug", "new_slug", help="Another short name.")
@link_options
def edit_link(slug: str, new_slug: str | None, status: str | None, **options: Any) -> None:
    """Change a link."""
    changes = (
        fields_of(options) | ({"slug": new_slug} if new_slug else {}) | ({"status": int(status)} if status else {})
    )
    with connect() as client:
        changed = client.patch(f"{ROOT}/{find(client, slug)['id']}", changes)
    show(changed, lambda link: click.echo(f"{link['url']} leads to {link['target']}"))


@links.command("rm")
@click.argument("slug")
def delete_link(slug: str) -> None:
    """Delete a link; `fazt links restore` brings it back."""
    with connect() as client:
        link = find(client, slug)
        client.delete(f"{ROOT}/{link['id']}")
    show(link, lambda gone: click.echo(f"{gone['slug']} is deleted. `fazt links restore {gone['id']}` brings it back."))


@links.command("restore")
@click.argument("link_id", metavar="ID", type=int)
def restore_link(link_id: int) -> None:
    """Bring a deleted link back; `fazt links list --deleted --json` shows their ids."""
    with connect() as client:
        show(client.post(f"{ROOT}/{link_id}/restore"), lambda link: click.echo(link["url"]))


@links.command("tags")
def list_tags() -> None:
    """List the tags that links have."""
    with connect() as client:
        rows = client.get(f"{ROOT}/tags")
    show_rows(rows, {"name": "Tag", "links": "Links", "clicks": "Clicks"}, "No link has a tag.")


@links.command("stats")
@click.argument("slug")
@click.option("--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="Of the last days.")
def show_stats(slug: str, days: int) -> None:
    """Show how often a link was followed, from where and by what."""
    from fazt.core.clock import DAY, system_clock  # noqa: PLC0415 - most commands never need it

    with connect() as client:
        link = find(client, slug)
        report = client.get(f"{ROOT}/{link['id']}/visits", params={"start": system_clock() - days * DAY})

    def say(found: dict[str, Any]) -> None:
        click.echo(f"{found['views']} clicks by {found['visitors']} visitors, {found['robot_views']} by robots")
        for name in ("referrer", "country", "browser", "device"):
            tops = [f"{top['value'] or '(none)'} {top['views']}" for top in found["tops"].get(name, [])[:5]]
            if tops:
                click.echo(f"{name}: {', '.join(tops)}")

    show(report, say)


@links.command("qr")
@click.argument("slug")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save_qr(slug: str, file: Path) -> None:
    """Save the QR code of a link as FILE.svg or FILE.png."""
    form = "png" if file.suffix.lower() == ".png" else "svg"
    with connect() as client:
        link = find(client, slug)
        answer = client.request("GET", f"{ROOT}/{link['id']}/qr", params={"format": form})
    file.write_bytes(answer.content)
    show({"file": str(file)}, lambda saved: click.echo(f"{saved['file']} leads to {link['url']}"))


@links.command("import")
@click.argument("file", type=click.File("rb"))
def import_links(file: Any) -> None:
    """Import links from FILE (- for standard input): CSV, or JSON of Shlink, YOURLS, Bitly or Kutt."""
    with connect() as client:
        report = client.request("POST", f"{ROOT}/import", content=file.read()).json()

    def say(found: dict[str, Any]) -> None:
        click.echo(f"{found['created']} links made, {found['skipped']} left out.")
        for one in found["problems"][:20]:
            click.echo(f"{one['place']}: {one['problem']}", err=True)

    show(report, say)


@links.command("export")
@click.option(
    "--form", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="Which kind of file."
)
def export_links(form: str) -> None:
    """Print all links as a file that can be imported again."""
    with connect() as client:
        answer = client.request("GET", f"{ROOT}/export", params={"form": form})
    sys.stdout.buffer.write(answer.content)


COMMANDS = (links,)
