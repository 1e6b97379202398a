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
from itertools import pairwise
from pathlib import Path
from typing import Any

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

SCALE, NORTH, SOUTH = 4, 84, -58
"""Units of the map for a degree, and where it is cut."""

SMALL = {
    "BQ": (-68, 12), "BV": (3, -54), "CC": (97, -12), "CX": (106, -10), "GF": (-53, 4), "GI": (-5, 36),
    "GP": (-62, 16), "MQ": (-61, 15),
    "RE": (56, -21), "SJ": (16, 78), "TK": (-172, -9), "TV": (179, -8),
    "UM": (-160, 0), "XK": (21, 43), "YT": (45, -13),
}  # fmt: skip
"""Longitude and latitude of what the outlines leave out, or count to another country."""

Ring = list[tuple[float, float]]


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
    fetch("world-atlas", "2.0.2", {"world.LICENSE": "LICENSE"})
    draw_world()
    listing["world-atlas@2.0.2"] = describe(["world.svg", "world.js", "world.LICENSE"])
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


def draw_world() -> None:
    """The land as one path, equirectangular, and where the middle of each country is on it."""
    land = read_package("world-atlas", "2.0.2", "land-110m.json")
    rings = [ring for geometry in land["objects"]["land"]["geometries"] for ring in rings_of(land, geometry)]
    shown = [ring for ring in rings if max(y for _, y in ring) > SOUTH]
    path = "".join(draw_ring(piece) for ring in shown for piece in unwrap(ring))
    size = f"{360 * SCALE} {(NORTH - SOUTH) * SCALE}"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"><path id="land" d="{path}"/></svg>\n'
    (VENDOR / "world.svg").write_text(svg)
    countries = read_package("world-atlas", "2.0.2", "countries-50m.json")
    letters = {number: two for two, _, number, *_ in read_package("i18n-iso-countries", "7.14.0", "codes.json")}
    middles = {code: to_map(at) for code, at in SMALL.items()}
    for geometry in countries["objects"]["countries"]["geometries"]:
        code = letters.get(geometry.get("id", ""))
        if code and code not in middles:
            middles[code] = to_map(max(map(weigh, rings_of(countries, geometry)))[1])
    listed = ",".join(f"{code}:[{x},{y}]" for code, (x, y) in sorted(middles.items()))
    (VENDOR / "world.js").write_text(f"export const SIZE=[{size.replace(' ', ',')}],MIDDLES={{{listed}}};\n")


def read_package(package: str, version: str, name: str) -> Any:
    """A JSON file of a package."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            member = tar.extractfile(f"package/{name}")
            assert member is not None, name
            return json.load(member)


def rings_of(topology: Any, geometry: Any) -> list[Ring]:
    """The outer rings of a geometry, in degrees (TopoJSON: arcs are shared, quantized, and each point a step)."""
    arcs = geometry.get("arcs", [])
    polygons = [arcs] if geometry["type"] == "Polygon" else arcs
    return [join_arcs(topology, polygon[0]) for polygon in polygons]


def join_arcs(topology: Any, numbers: list[int]) -> Ring:
    """One ring out of its arcs; a negative number is an arc from behind."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    ring: Ring = []
    for number in numbers:
        x, y, points = 0, 0, []
        for step in topology["arcs"][number if number >= 0 else ~number]:
            x, y = x + step[0], y + step[1]
            points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
        points = points if number >= 0 else points[::-1]
        ring += points[1:] if ring else points
    return ring


def to_map(at: tuple[float, float]) -> tuple[int, int]:
    """Degrees as places on the map."""
    return round((at[0] + 180) * SCALE), round((NORTH - at[1]) * SCALE)


def draw_ring(ring: Ring) -> str:
    """A closed path in whole units; points that fall together are one."""
    points = [to_map((x, max(y, SOUTH))) for x, y in ring]
    (x, y), said = points[0], f"M{points[0][0]} {points[0][1]}l"
    for to_x, to_y in points[1:]:
        if (to_x, to_y) != (x, y):
            said += f"{' ' if to_x - x >= 0 and said[-1] != 'l' else ''}{to_x - x}"
            said += f"{' ' if to_y - y >= 0 else ''}{to_y - y}"
            x, y = to_x, to_y
    return said.rstrip("l") + "z"


def unwrap(ring: Ring) -> list[Ring]:
    """The ring, and where it passes the 180th meridian once at each end of the map; what is outside is not seen."""
    turn, whole = 0, ring[:1]
    for (before, _), (x, y) in pairwise(ring):
        turn += 360 if x - before < -180 else -360 if x - before > 180 else 0
        whole.append((x + turn, y))
    longitudes = [x for x, _ in whole]
    shifts = [0, *([-360] if max(longitudes) > 180 else []), *([360] if min(longitudes) < -180 else [])]
    return [[(x + shift, y) for x, y in whole] for shift in shifts]


def weigh(ring: Ring) -> tuple[float, tuple[float, float]]:
    """Area and centroid of a ring, in degrees."""
    area, x, y = 0.0, 0.0, 0.0
    for (x1, y1), (x2, y2) in pairwise(ring):
        cross = x1 * y2 - x2 * y1
        area, x, y = area + cross, x + (x1 + x2) * cross, y + (y1 + y2) * cross
    return (abs(area), (x / (3 * area), y / (3 * area))) if area else (0.0, ring[0])


def describe(names: list[str] | dict[str, str]) -> dict[str, dict[str, object]]:
    """Size and SHA-256 of each file."""
    described: dict[str, dict[str, object]] = {}
    for name in names:
        data = (VENDOR / name).read_bytes()
        described[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return described


if __name__ == "__main__":
    main()
