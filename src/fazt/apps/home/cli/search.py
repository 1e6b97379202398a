"""`fazt search`: what is where on this cloud."""

from __future__ import annotations

import click

from fazt.core.client import connect, show_rows


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--app", default="", help="Only in this app, e.g. mail.")
@click.option("--limit", default=20, show_default=True, help="How many, at most 500.")
def search(words: tuple[str, ...], app: str, limit: int) -> None:
    """Find files, notes, mail, documents, links, sites and whatever else has these words.

    Words may be begun; "words in quotes" stand exactly so.
    """
    query = " ".join(f'"{word}"' if " " in word else word for word in words)
    with connect() as client:
        rows = client.get("/api/v1/search", params={"q": query, "app": app, "limit": limit})
    for row in rows:
        row["said"] = "".join(part["text"] for part in row["title"])
        row["app"] = row["kind"].partition(".")[0]
    show_rows(rows, {"app": "In", "said": "What", "path": "Where"}, "Nothing found.")
