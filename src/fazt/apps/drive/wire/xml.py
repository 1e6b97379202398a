"""XML of requests. Whoever sends it may be hostile: no DOCTYPE, no entities, no network, no depths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from fazt.apps.drive.model.locks import MAX_OWNER_CHARS
from fazt.core.errors import Forbidden, Invalid, TooLarge

DAV = "DAV:"
MAX_XML_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NAMES = 1_000
MAX_XML_CHARS = 65_536
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

Name = tuple[str, str]
Element = Any


class PropFind(msgspec.Struct, frozen=True):
    """What PROPFIND asks for; `names` are those of `prop`, or of `include` beside allprop."""

    kind: Literal["prop", "allprop", "propname"]
    names: tuple[Name, ...] = ()


class PropSet(msgspec.Struct, frozen=True):
    """One property to set, with its element as text and the text in it; `xml` None removes it."""

    name: Name
    xml: str | None
    text: str = ""


class LockInfo(msgspec.Struct, frozen=True):
    """The lock that LOCK asks for; `owner_xml` is the whole element, or ""."""

    is_shared: bool
    owner_xml: str


class SyncReport(msgspec.Struct, frozen=True):
    """A sync-collection report."""

    token: str
    is_deep: bool
    limit: int | None
    names: tuple[Name, ...]


def parse_xml(body: bytes) -> Element:
    """The root of a document. Raises Invalid, and Forbidden for a DOCTYPE."""
    from lxml import etree  # noqa: PLC0415 - lxml is large; many clouds have no WebDAV client

    if b"<!DOCTYPE" in body.replace(b"\0", b""):
        raise Forbidden("A DOCTYPE is not taken here.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise Invalid("The body is not well-formed XML.") from error
    tree: Any = root.getroottree()
    if tree.docinfo.doctype:
        raise Forbidden("A DOCTYPE is not taken here.")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise TooLarge("The body is nested too deeply.")
    return root


def name_of(element: Element) -> Name:
    """Namespace ("" for none) and local name."""
    from lxml import etree  # noqa: PLC0415 - lxml is large; many clouds have no WebDAV client

    found = etree.QName(element)
    return found.namespace or "", found.localname


def is_dav(element: Element, name: str) -> bool:
    """Whether this is the element `name` of WebDAV."""
    return bool(element.tag == f"{{{DAV}}}{name}")


def children(element: Element, name: str) -> Iterator[Element]:
    """The children that are this element of WebDAV."""
    return (child for child in element if is_dav(child, name))


def read_names(prop: Element) -> tuple[Name, ...]:
    """The names of the properties in a `prop`. Raises TooLarge."""
    names = tuple(dict.fromkeys(name_of(child) for child in prop if isinstance(child.tag, str)))
    if len(names) > MAX_NAMES:
        raise TooLarge(f"At most {MAX_NAMES} properties are asked for at once.")
    return names


def parse_propfind(body: bytes) -> PropFind:
    """The body of PROPFIND; an empty one asks for all. Raises Invalid."""
    if not body.strip():
        return PropFind("allprop")
    root = parse_xml(body)
    if not is_dav(root, "propfind"):
        raise Invalid("The body of PROPFIND is a propfind.")
    for child in root:
        if is_dav(child, "propname"):
            return PropFind("propname")
        if is_dav(child, "prop"):
            return PropFind("prop", read_names(child))
        if is_dav(child, "allprop"):
            return PropFind("allprop", tuple(name for more in children(root, "include") for name in read_names(more)))
    raise Invalid("A propfind asks for prop, allprop or propname.")


def parse_proppatch(body: bytes) -> list[PropSet]:
    """The changes in the body of PROPPATCH, in their order. Raises Invalid."""
    root = parse_xml(body)
    if not is_dav(root, "propertyupdate"):
        raise Invalid("The body of PROPPATCH is a propertyupdate.")
    changes = list(_read_changes(root))
    if not changes:
        raise Invalid("The body of PROPPATCH changes nothing.")
    return changes


def parse_mkcol(body: bytes) -> list[PropSet]:
    """The properties in the body of an extended MKCOL (RFC 5689). Raises Invalid."""
    root = parse_xml(body)
    if not is_dav(root, "mkcol"):
        raise Invalid("The body of MKCOL is a mkcol.")
    return list(_read_changes(root))


def _read_changes(root: Element) -> Iterator[PropSet]:
    count = 0
    for step in root:
        is_set = is_dav(step, "set")
        if not is_set and not is_dav(step, "remove"):
            continue
        for prop in children(step, "prop"):
            for element in prop:
                if not isinstance(element.tag, str):
                    continue
                count += 1
                if count > MAX_NAMES:
                    raise TooLarge(f"At most {MAX_NAMES} properties are changed at once.")
                yield to_set(element) if is_set else PropSet(name_of(element), None)


def to_set(element: Element) -> PropSet:
    """An element as it is kept: with the namespaces and the language that hold where it stands. Raises TooLarge."""
    from lxml import etree  # noqa: PLC0415 - lxml is large; many clouds have no WebDAV client

    text = "".join(element.itertext())
    language = next((step.get(XML_LANG) for step in (element, *element.iterancestors()) if step.get(XML_LANG)), None)
    if language is not None:
        element.set(XML_LANG, language)
    xml: str = etree.tostring(element, encoding="unicode", with_tail=False)
    if len(xml) > MAX_XML_CHARS:
        raise TooLarge(f"A property has at most {MAX_XML_CHARS} characters.")
    return PropSet(name_of(element), xml.replace("\r", "&#13;"), text.strip())


def has_collection(change: PropSet) -> bool | None:
    """Whether a resourcetype is one that can be made: a plain collection. None for other properties."""
    from lxml import etree  # noqa: PLC0415 - lxml is large; many clouds have no WebDAV client

    if change.name != (DAV, "resourcetype") or change.xml is None:
        return None
    types = [name_of(child) for child in etree.fromstring(change.xml)]
    return types == [(DAV, "collection")]


def parse_lockinfo(body: bytes) -> LockInfo:
    """The body of LOCK. Raises Invalid."""
    root = parse_xml(body)
    if not is_dav(root, "lockinfo"):
        raise Invalid("The body of LOCK is a lockinfo.")
    scopes = [name_of(kind)[1] for scope in children(root, "lockscope") for kind in scope]
    types = [name_of(kind)[1] for kind_of in children(root, "locktype") for kind in kind_of]
    if scopes not in (["exclusive"], ["shared"]) or types != ["write"]:
        raise Invalid("A lock is exclusive or shared, and a write lock.")
    owner = next(children(root, "owner"), None)
    xml = "" if owner is None else (to_set(owner).xml or "")
    return LockInfo(scopes == ["shared"], xml if len(xml) <= MAX_OWNER_CHARS else "")


def parse_report(body: bytes) -> SyncReport:
    """The body of REPORT. Raises Invalid, and Forbidden for a report that is not offered."""
    root = parse_xml(body)
    if not is_dav(root, "sync-collection"):
        raise Forbidden("This report is not offered.", condition="supported-report")
    token = next(children(root, "sync-token"), None)
    level = "".join("".join(child.itertext()).strip() for child in children(root, "sync-level")) or "1"
    if level not in {"1", "infinite"}:
        raise Invalid("sync-level is 1 or infinite.")
    if token is None:
        raise Invalid("A sync-collection has a sync-token, empty at first.")
    limit: int | None = None
    for number in (one for outer in children(root, "limit") for one in children(outer, "nresults")):
        text = (number.text or "").strip()
        if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            raise Invalid("nresults is a number.")
        limit = int(text[:9])
    names = tuple(name for prop in children(root, "prop") for name in read_names(prop))
    return SyncReport((token.text or "").strip(), level == "infinite", limit, names)
