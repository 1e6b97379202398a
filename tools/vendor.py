"""Fetch the pinned browser libraries into src/fazt/ui/static/vendor; the result is committed.

Run `python tools/vendor.py` after changing a version here. It needs npm, and deno for bundles. Whoever
installs fazt needs neither.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "src" / "fazt" / "ui" / "static" / "vendor"

FILES = {
    ("htmx.org", "4.0.1"): {
        "htmx.js": "dist/htmx.min.js",
        "htmx-sse.js": "dist/ext/hx-sse.min.js",
        "htmx.LICENSE": "LICENSE",
    },
    ("uqr", "0.1.3"): {"qr.LICENSE": "LICENSE"},
    ("yjs", "13.6.33"): {"yjs.LICENSE": "LICENSE"},
    ("@codemirror/state", "6.7.6"): {"codemirror.LICENSE": "LICENSE"},
    ("uplot", "1.6.32"): {
        "uplot.js": "dist/uPlot.iife.min.js",
        "uplot.css": "dist/uPlot.min.css",
        "uplot.LICENSE": "LICENSE",
    },
}
"""(package, version) -> the name here -> the file in the package."""

PAD = """
export * as Y from "yjs";
export { WebsocketProvider } from "y-websocket";
export { IndexeddbPersistence } from "y-indexeddb";
export { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
export { EditorState, Compartment } from "@codemirror/state";
export { EditorView, keymap, placeholder, drawSelection, highlightActiveLine } from "@codemirror/view";
export { defaultKeymap, indentWithTab } from "@codemirror/commands";
export { Language, defineLanguageFacet, syntaxHighlighting, HighlightStyle } from "@codemirror/language";
export { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
export { parser, GFM } from "@lezer/markdown";
export { tags } from "@lezer/highlight";
"""
PAD_PACKAGES = {
    "yjs": "13.6.33",
    "y-websocket": "3.1.0",
    "y-indexeddb": "9.0.12",
    "y-codemirror.next": "0.3.6",
    "@codemirror/state": "6.7.6",
    "@codemirror/view": "6.43.15",
    "@codemirror/commands": "6.11.1",
    "@codemirror/language": "6.13.1",
    "@codemirror/search": "6.7.2",
    "@lezer/markdown": "1.8.1",
    "@lezer/highlight": "1.2.5",
}
"""The editor of pads: one bundle, since Yjs may be loaded once only."""

BUNDLES: dict[str, tuple[str, dict[str, str]]] = {
    "qr.js": ('export { renderSVG } from "uqr";', {"uqr": "0.1.3"}),
    "pad.js": (PAD, PAD_PACKAGES),
}
"""The name here -> (source of an entry module, package -> version), for libraries of many files."""


def main() -> None:
    """Fetch, bundle, and write `versions.json` with the size and hash of each file."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for (package, version), files in FILES.items():
        fetch(package, version, files)
    for name, (entry, packages) in BUNDLES.items():
        bundle(name, entry, packages)
    listing = {f"{package}@{version}": describe(files) for (package, version), files in FILES.items()}
    for name, (_, packages) in BUNDLES.items():
        label = " ".join(f"{package}@{version}" for package, version in packages.items())
        listing[label] = {**listing.get(label, {}), **describe([name])}
    (VENDOR / "versions.json").write_text(json.dumps(listing, indent=2) + "\n")


def fetch(package: str, version: str, files: dict[str, str]) -> None:
    """Copy `files` out of a package, without references to source maps that are not here."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            for name, source in files.items():
                member = tar.extractfile(f"package/{source}")
                assert member is not None, source
                (VENDOR / name).write_bytes(re.sub(rb"\n?//# sourceMappingURL=\S+\s*$", b"\n", member.read()))


def bundle(name: str, entry: str, packages: dict[str, str]) -> None:
    """Bundle the module `entry`, which imports `packages`, into one minified ES module."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "package.json").write_text(json.dumps({"type": "module", "dependencies": packages}))
        (here / "entry.js").write_text(entry)
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--no-package-lock"], cwd=here, check=True)
        command = ["deno", "bundle", "--platform=browser", "--minify", "--output", str(VENDOR / name), "entry.js"]
        subprocess.run(command, cwd=here, check=True)


def describe(names: list[str] | dict[str, str]) -> dict[str, dict[str, object]]:
    """Size and SHA-256 of each file."""
    described: dict[str, dict[str, object]] = {}
    for name in names:
        data = (VENDOR / name).read_bytes()
        described[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return described


if __name__ == "__main__":
    main()
