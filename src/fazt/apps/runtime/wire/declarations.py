"""`fazt.d.ts`: the types of what code finds, for editors. The file itself lies beside this module."""

from pathlib import Path

DECLARATIONS = (Path(__file__).parent / "fazt.d.ts").read_text()
