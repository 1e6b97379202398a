"""`fazt db`: documents and collections from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import click

from fazt.core.client import connect, show, show_rows, wants_json
from fazt.core.errors import Invalid

PIECE = 1 << 18


def address(*steps: str) -> str:
    """A path below /db."""
    return "/".join(["/db", *(quote(step, safe="") for step in steps)])


def read_json(text: str) -> bytes:
    """The JSON of an argument: itself, `@FILE`, or `-` for standard input."""
    if text == "-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def print_json(data: bytes) -> None:
    """An answer as it came, or indented for people."""
    if wants_json() or not sys.stdout.isatty():
        click.echo(data.decode())
    else:
        click.echo(json.dumps(json.loads(data), indent=2, ensure_ascii=False))


@click.group()
def db() -> None:
    """JSON documents: get, put, list, import, export.

    \b
    fazt db add notes '{"title": "Milk"}'
    fazt db list notes --where 'done != true' --sort -title
    fazt db import notes notes.ndjson
    """


@db.command("collections")
def list_collections() -> None:
    """List all collections."""
    with connect() as client:
        show_rows(
            client.get("/api/v1/textdb/collections"),
            {"name": "Collection", "documents": "Documents", "seq": "Writes"},
            "No collections yet. `fazt db add notes '{}'` makes one.",
        )


@db.command("get")
@click.argument("collection")
@click.argument("id_", metavar="ID")
@click.option("--at", metavar="TIME", help="As it was at that time.")
def get_document(collection: str, id_: str, at: str | None) -> None:
    """Print a document."""
    with connect() as client:
        found = client.request("GET", address(collection, id_), params={"at": at} if at else None)
    print_json(found.content)


@db.command("list")
@click.argument("collection")
@click.argument("filters", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--where", help="A filter such as 'age >= 18 && tags ?= \"new\"'.")
@click.option("--sort", metavar="FIELDS", help="Such as status,-age.")
@click.option("--limit", type=int, default=30, show_default=True, help="How many.")
@click.option("--start", type=int, default=0, help="Behind how many.")
@click.option("--fields", help="Only these, such as title,author.name.")
@click.option("-q", "--query", "words", help="Words anywhere in it.")
def list_documents(
    collection: str,
    filters: tuple[str, ...],
    where: str | None,
    sort: str | None,
    limit: int,
    start: int,
    fields: str | None,
    words: str | None,
) -> None:
    """Print documents, one a line."""
    asked = [tuple(item.partition("=")[::2]) for item in filters]
    named = {"where": where, "_sort": sort, "_fields": fields, "q": words, "_limit": limit, "_start": start}
    parameters = [*asked, *((name, str(value)) for name, value in named.items() if value is not None)]
    with connect() as client:
        found = client.request("GET", address(collection), params=parameters)
    if wants_json():
        click.echo(found.text)
        return
    for document in found.json():
        click.echo(json.dumps(document, ensure_ascii=False))
    click.echo(f"{found.headers.get('x-total-count', '?')} in all", err=True)


@db.command("add")
@click.argument("collection")
@click.argument("document")
def add_document(collection: str, document: str) -> None:
    """Save a new document: JSON, @FILE, or - for standard input."""
    with connect() as client:
        print_json(client.request("POST", address(collection), content=read_json(document)).content)


@db.command("put")
@click.argument("collection")
@click.argument("id_", metavar="ID")
@click.argument("document")
@click.option("--if-match", metavar="ETAG", help="Only if it is still this version.")
def put_document(collection: str, id_: str, document: str, if_match: str | None) -> None:
    """Create or replace a document: JSON, @FILE, or - for standard input."""
    headers = {"if-match": if_match} if if_match else {}
    with connect() as client:
        path = address(collection, id_)
        print_json(client.request("PUT", path, content=read_json(document), headers=headers).content)


@db.command("patch")
@click.argument("collection")
@click.argument("id_", metavar="ID")
@click.argument("change")
def patch_document(collection: str, id_: str, change: str) -> None:
    """Change a document: a merge patch, a JSON Patch (a list), or modifiers such as '{"$inc": {"n": 1}}'."""
    data = read_json(change)
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Invalid(f"This is not JSON: {error}.") from error
    kind = "application/merge-patch+json"
    if isinstance(value, list):
        kind = "application/json-patch+json"
    elif isinstance(value, dict) and value and all(name.startswith("$") for name in value):
        kind = "application/vnd.fazt.update+json"
    with connect() as client:
        path = address(collection, id_)
        print_json(client.request("PATCH", path, content=data, headers={"content-type": kind}).content)


@db.command("delete")
@click.argument("collection")
@click.argument("id_", metavar="ID")
def delete_document(collection: str, id_: str) -> None:
    """Delete a document; its history stays."""
    with connect() as client:
        client.delete(address(collection, id_))
    click.echo(f"{collection}/{id_} is deleted.", err=True)


@db.command("history")
@click.argument("collection")
@click.argument("id_", metavar="ID")
def show_history(collection: str, id_: str) -> None:
    """List the versions of a document."""
    with connect() as client:
        rows = client.get(address(collection, id_, "_history"))
    if wants_json():
        show(rows)
        return
    for row in rows:
        row["body"] = json.dumps(row["body"], ensure_ascii=False)[:100]
    show_rows(rows, {"seq": "Version", "updatedAt": "From", "replacedAt": "Until", "body": "Document"}, "Nothing.")


@db.command("restore")
@click.argument("collection")
@click.argument("id_", metavar="ID")
@click.argument("version", type=int)
def restore_document(collection: str, id_: str, version: int) -> None:
    """Make an older version the newest, also of what was deleted."""
    with connect() as client:
        path = f"{address(collection, id_)}/_restore"
        print_json(client.request("POST", path, json={"seq": version}).content)


@db.command("explain")
@click.argument("collection")
@click.option("--where", help="A filter.")
@click.option("--sort", metavar="FIELDS", help="Such as status,-age.")
def explain_list(collection: str, where: str | None, sort: str | None) -> None:
    """Show how a list would be found, and which index would help."""
    named = {name: value for name, value in {"where": where, "_sort": sort}.items() if value}
    with connect() as client:
        plan = client.request("GET", f"{address(collection)}/_explain", params=named).json()
    if wants_json():
        show(plan)
        return
    click.echo("\n".join(plan["steps"]))
    if plan["usesIndex"]:
        click.echo("An index serves this.")
    else:
        click.echo(f"All {plan['documents']} documents are looked through.")
        if plan["advice"]:
            click.echo(f"fazt db set {collection} --index {plan['advice']}")


@db.command("set")
@click.argument("collection")
@click.option("--read", help="Who may read: owner, members, public, mine, or a filter.")
@click.option("--create", help="Who may create.")
@click.option("--update", help="Who may change.")
@click.option("--delete", "delete_", help="Who may delete.")
@click.option("--owner-field", help="The field that says whose a document is.")
@click.option("--index", "indexes", multiple=True, help="Add an index, such as status,-age.")
@click.option("--drop-index", "dropped", multiple=True, help="Drop an index.")
@click.option("--search", multiple=True, help="Fields of the index of words; * is all.")
@click.option("--schema", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON Schema.")
@click.option("--ttl", type=int, help="Seconds that documents live; 0 is for ever.")
@click.option("--history", type=int, help="How many older versions are kept.")
def set_collection(collection: str, indexes: tuple[str, ...], dropped: tuple[str, ...], **options: Any) -> None:
    """Set rules, indexes and limits of a collection; without options, show them."""
    path = f"/api/v1/textdb/collections/{quote(collection, safe='')}"
    with connect() as client:
        there = {row["name"]: row for row in client.get("/api/v1/textdb/collections")}
        settings: dict[str, Any] = there[collection]["settings"] if collection in there else {}
        change_settings(settings, indexes, dropped, options)
        show(client.put(path, settings) if any(options.values()) or indexes or dropped else settings)


def change_settings(
    chosen: dict[str, Any], indexes: tuple[str, ...], dropped: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Put the options of `fazt db set` into the chosen."""
    rules = chosen.setdefault("rules", {})
    for name in ("read", "create", "update", "delete_"):
        if options[name] is not None:
            rules[name.rstrip("_")] = options[name]
    names = {"owner_field": "ownerField", "ttl": "ttlSeconds", "history": "history"}
    chosen.update({key: options[name] for name, key in names.items() if options[name] is not None})
    if options["search"]:
        chosen["search"] = list(options["search"])
    if options["schema"] is not None:
        chosen["schema"] = json.loads(options["schema"].read_text())
    kept = [index for index in chosen.get("indexes", ()) if index not in dropped]
    chosen["indexes"] = [*kept, *indexes]


@db.command("drop")
@click.argument("collection")
@click.confirmation_option(prompt="Delete the collection with all its documents and their history?")
def drop_collection(collection: str) -> None:
    """Delete a whole collection."""
    with connect() as client:
        client.delete(f"/api/v1/textdb/collections/{quote(collection, safe='')}")
    click.echo(f"{collection} is gone.", err=True)


@db.command("import")
@click.argument("collection")
@click.argument("file", type=click.File("rb"))
@click.option("--create", is_flag=True, help="Refuse documents of which the id is taken.")
@click.option("--text", is_flag=True, help="Keep every CSV cell as text.")
def import_documents(collection: str, file: BinaryIO, *, create: bool, text: bool) -> None:
    """Import NDJSON or CSV (by the name's ending); - is standard input, NDJSON."""
    kind = "text/csv" if file.name.lower().endswith(".csv") else "application/x-ndjson"
    parameters = {"mode": "create" if create else "put", "typed": "false" if text else "true"}
    with connect() as client:
        report = client.request(
            "POST",
            f"{address(collection)}/_import",
            params=parameters,
            content=pieces_of(file),
            headers={"content-type": kind},
            timeout=3_600,
        ).json()
    if wants_json():
        show(report)
        return
    for problem in report["problems"]:
        click.echo(f"line {problem['line']}: {problem['problem']}", err=True)
    click.echo(f"{report['created']} created, {report['replaced']} replaced, {report['failed']} refused.")


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file, with a progress bar where somebody watches."""
    from rich.progress import Progress  # noqa: PLC0415 - only this command draws one

    size = Path(file.name).stat().st_size if file.seekable() else None
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Importing", total=size)
        while piece := file.read(PIECE):
            yield piece
            progress.advance(task, len(piece))


@db.command("export")
@click.argument("collection")
@click.option(
    "-o", "--output", type=click.File("wb"), default="-", help="The file to write (default: standard output)."
)
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of NDJSON.")
@click.option("--where", help="Only what satisfies this filter.")
def export_documents(collection: str, output: BinaryIO, where: str | None, *, as_csv: bool) -> None:
    """Export documents as NDJSON or CSV."""
    parameters = {"format": "csv" if as_csv else "ndjson"} | ({"where": where} if where else {})
    with connect() as client:
        client.request("GET", address(collection), params={"_limit": 0})
        with client.http.stream("GET", f"{address(collection)}/_export", params=parameters, timeout=3_600) as answer:
            answer.raise_for_status()
            output.writelines(answer.iter_bytes())


@db.command("watch")
@click.argument("collection")
@click.option("--since", default="now", show_default=True, help="The number to begin behind, or now.")
def watch_changes(collection: str, since: str) -> None:
    """Print changes as they happen, one a line."""
    with connect() as client:
        while True:
            parameters = {"feed": "longpoll", "since": since, "timeout": "25000"}
            found = client.get(f"{address(collection)}/_changes", params=parameters)
            for entry in found["changes"]:
                click.echo(json.dumps(entry, ensure_ascii=False))
            since = str(found["lastSeq"])


COMMANDS = (db,)
