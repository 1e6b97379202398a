"""Source text: whether it is a module, and what the process is given to load."""

from __future__ import annotations

import re

CODE_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".json", ".wasm")
CLASSIC_HEAD = "export default async function (req, res) {"
"""All on the first line, so that the lines of errors are those of the script."""

# What is skipped: comments, strings, templates, regular expressions; what is looked for: export and import.
TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
    r"|(?<=[=(:,\[!&|?{};\n])[^\S\n]*/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*"
    r"|(?<![.\w$])export\s*(?:default\b|const\b|let\b|var\b|function\b|async\b|class\b|\{|\*|type\b|interface\b|enum\b)"
    r"|(?<![.\w$])import\s*(?:[\w$]|\{|\*|[\"'])",
    re.DOTALL,
)
BARE = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](?![./]|node:|file:|data:)([^"'\n]+)["']""")


def is_module(source: str) -> bool:
    """Whether the text exports or imports something; a script of the classic form does neither."""
    return any(found[0].startswith(("export", "import")) for found in TOKEN.finditer(source))


def wrap_classic(source: str) -> str:
    """A script of the classic form as a module: a function of `req` and `res`, in which `await` works."""
    return f"{CLASSIC_HEAD}{source}\n}}\n"


def is_code(path: str) -> bool:
    """Whether code may import this file."""
    return path.lower().endswith(CODE_SUFFIXES)


def find_bare_imports(source: str) -> list[str]:
    """What a text imports from elsewhere than its own folder: packages, and addresses of the Web."""
    return sorted({found[1] for found in BARE.finditer(source)})
