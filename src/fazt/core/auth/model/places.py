"""Where a request comes from: a device by its User-Agent, and how precisely an address is kept."""

import ipaddress

BROWSERS = (
    # The order matters: everybody claims to be Mozilla and Safari, and most to be Chrome.
    ("fazt/", "fazt command"),
    ("Joplin", "Joplin"),
    ("rclone/", "rclone"),
    ("davfs2/", "davfs2"),
    ("cadaver/", "cadaver"),
    ("gvfs/", "GNOME Files"),
    ("WebDAVFS/", "Finder"),
    ("WebDAVLib/", "Finder"),
    ("Microsoft-WebDAV-MiniRedir", "Windows Explorer"),
    ("curl/", "curl"),
    ("Wget/", "wget"),
    ("python-httpx/", "Python"),
    ("python-requests/", "Python"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Darwin", "Mac"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
)


def name_device(user_agent: str) -> str:
    """`Firefox on Linux`: for a person to recognise, only ever made of words from the tables above."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return " on ".join(word for word in (browser, system) if word) or "Unknown device"


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def coarse_address(address: str) -> str:
    """The neighbourhood: `203.0.113.x`, `2001:db8:1::/48`, `local` for no address or this machine."""
    parsed = _parse(address)
    if parsed is None or parsed.is_loopback:
        return "local"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed).rpartition(".")[0] + ".x"
    return _block(parsed, 48)


def networks_of(address: str) -> tuple[str, str]:
    """What counts as one place, and the larger network around it ("" where there is none).

    IPv4 counts by address, IPv6 by /64, which one machine may roam freely, and loosely by /48,
    which is handed to anybody who asks a tunnel broker.
    """
    parsed = _parse(address)
    if parsed is None:
        return "local", ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed), ""
    return _block(parsed, 64), _block(parsed, 48)


def _block(address: ipaddress.IPv6Address, length: int) -> str:
    """The block of this prefix length around an address; ip_network says the same ten times slower."""
    rest = 128 - length
    return f"{ipaddress.IPv6Address(int(address) >> rest << rest)}/{length}"
