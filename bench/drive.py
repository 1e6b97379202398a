"""A drive over WebDAV: fazt beside rclone, wsgidav and Apache's mod_dav, in turns, with the same load and login."""

from __future__ import annotations

import argparse
import base64
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha1
from pathlib import Path

import httpx
from _load import ROUNDS, child, compare, find_program, free_port, run_wrk, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import OWNER_EMAIL, Program

USER, PASSWORD = "bench", "correct-horse-battery"
PROPFIND = (
    '<D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getcontentlength/><D:getetag/><D:resourcetype/>'
    "</D:prop></D:propfind>"
)
GET = """
wrk.headers["authorization"] = "{auth}"
request = function() return wrk.format("GET", "{path}/many/" .. math.random(0, {last}) .. ".txt") end
"""
PUT = """
wrk.method = "PUT"
wrk.headers["authorization"] = "{auth}"
wrk.headers["content-type"] = "application/octet-stream"
math.randomseed(os.time())
local run, n, body = math.random(1, 1e9), 0, string.rep("x", 4080)
request = function()
  n = n + 1
  return wrk.format("PUT", "{path}/puts/" .. run .. "-" .. n .. ".bin", nil, body .. string.format("%016d", n + run))
end
"""
WSGIDAV = """
host: 127.0.0.1
port: {port}
provider_mapping: {{"/": "{root}"}}
simple_dc: {{user_mapping: {{"*": {{"{user}": {{password: "{password}"}}}}}}}}
http_authenticator: {{accept_basic: true, accept_digest: false, default_to_digest: false}}
lock_storage: true
property_manager: true
logging: {{enable_loggers: []}}
verbose: 0
"""
APACHE = """
ServerRoot "{folder}"
Listen 127.0.0.1:{port}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
DocumentRoot "{root}"
DAVLockDB {folder}/locks
KeepAlive On
MaxKeepAliveRequests 0
<Directory "{root}">
  DAV On
  AllowOverride None
  AuthType Basic
  AuthName bench
  AuthBasicProvider file
  AuthUserFile {folder}/users
  Require valid-user
</Directory>
"""
MODULES = ("mpm_event", "unixd", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs")


class Server:
    """One of those that are compared: where its files are, and how to log in."""

    def __init__(self, name: str, url: str, user: str = USER, password: str = PASSWORD) -> None:
        self.name = name
        self.url = url
        self.path = httpx.URL(url).path.rstrip("/")
        self.login = (user, password)
        self.auth = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=256, help="of the large file")
    options.add_argument("--files", type=int, default=5_000, help="in the folder that is listed")
    options.add_argument("--crowd", type=int, default=0, help="other files in fazt's drive, e.g. 100000; 0: none")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        servers = [start_fazt(stack, folder), start_rclone(stack, folder), start_wsgidav(stack, folder)]
        servers.append(start_apache(stack, folder))
        for server in servers:
            fill(server, given.files)
        compare_large(servers, folder, given.megabytes)
        compare_small(servers, folder, given.files)
        compare_listings(servers)
        if given.crowd:
            compare_crowded(servers[0], given.crowd)


# --- the servers


def start_fazt(stack: ExitStack, folder: Path) -> Server:
    """The program, with an app password."""
    (folder / "fazt").mkdir()
    program = stack.enter_context(Program(folder / "fazt"))
    token = program.run("token", "create", "bench", "--scope", "drive:rw").stdout.strip()
    return Server("fazt", f"{program.url}/dav/files/", OWNER_EMAIL, token)


def make_root(folder: Path, name: str) -> Path:
    """The files of a peer."""
    root = folder / name / "root"
    root.mkdir(parents=True)
    return root


def start_rclone(stack: ExitStack, folder: Path) -> Server:
    """`rclone serve webdav`."""
    root, port = make_root(folder, "rclone"), free_port()
    command = [find_program("rclone"), "serve", "webdav", str(root), "--addr", f"127.0.0.1:{port}"]
    stack.enter_context(child(*command, "--user", USER, "--pass", PASSWORD, "--config", str(folder / "none.conf")))
    wait_for(port)
    return Server("rclone", f"http://127.0.0.1:{port}/")


def start_wsgidav(stack: ExitStack, folder: Path) -> Server:
    """Wsgidav under cheroot."""
    root, port = make_root(folder, "wsgidav"), free_port()
    conf = folder / "wsgidav" / "wsgidav.yaml"
    conf.write_text(WSGIDAV.format(port=port, root=root, user=USER, password=PASSWORD))
    stack.enter_context(child(find_program("wsgidav"), "--config", str(conf), "--quiet"))
    wait_for(port)
    return Server("wsgidav", f"http://127.0.0.1:{port}/")


def start_apache(stack: ExitStack, folder: Path) -> Server:
    """Apache with mod_dav."""
    root, port = make_root(folder, "apache"), free_port()
    home = folder / "apache"
    for path in (folder, home, root):
        path.chmod(0o777)
    digest = sha1(PASSWORD.encode(), usedforsecurity=False).digest()
    (home / "users").write_text(f"{USER}:{{SHA}}{base64.b64encode(digest).decode()}\n")
    names = [name for name in MODULES if name != "unixd"]  # which Debian has built in
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in names)
    user = "User www-data\nGroup www-data\n" if os.getuid() == 0 else ""
    (home / "httpd.conf").write_text(user + APACHE.format(folder=home, port=port, root=root, modules=modules))
    stack.enter_context(child(find_program("apache2"), "-f", str(home / "httpd.conf"), "-DFOREGROUND"))
    wait_for(port)
    return Server("apache", f"http://127.0.0.1:{port}/")


# --- the loads


def fill(server: Server, count: int) -> None:
    """Folders for what is to come, and `count` small files."""
    with httpx.Client(auth=server.login, timeout=60) as client:
        for name in ("many", "puts", "large"):
            client.request("MKCOL", f"{server.url}{name}/").raise_for_status()
        for number in range(count):
            client.put(f"{server.url}many/{number}.txt", content=b"%04096d" % number).raise_for_status()


def curl(server: Server, *arguments: str) -> float:
    """How many seconds curl took for one request, which has to go well."""
    command = ["curl", "-sf", "-u", ":".join(server.login), "-o", "/dev/null", "-w", "%{time_total}", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def take_turns(what: str, unit: str, servers: list[Server], measure: Callable[[Server], float], *, rate: bool) -> None:
    """Run all in turns; print medians and the ratios of the others to fazt, above 1 where fazt is ahead."""
    found: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(ROUNDS):
        for server in servers:
            found[server.name].append(measure(server))
    medians = {name: statistics.median(values) for name, values in found.items()}
    print(f"\n{what}, medians of {ROUNDS} rounds")
    for name, value in medians.items():
        ahead = medians["fazt"] / value if rate else value / medians["fazt"]
        print(f"  {name:12} {value:10,.1f} {unit}  fazt is {ahead:6.2f} x")


def compare_large(servers: list[Server], folder: Path, megabytes: int) -> None:
    """A large file in and out; its bytes are others each time, since fazt keeps equal ones once."""
    file = folder / "large.bin"
    block = random.Random(1).randbytes(1 << 20)

    def put(server: Server) -> float:
        stamp = time.monotonic_ns().to_bytes(16)
        with file.open("wb") as out:
            for number in range(megabytes):
                out.write(stamp + number.to_bytes(8) + block[24:])
        return megabytes / curl(server, "-T", str(file), f"{server.url}large/large.bin")

    def get(server: Server) -> float:
        return megabytes / curl(server, f"{server.url}large/large.bin")

    take_turns(f"PUT of {megabytes} MiB", "MiB/s", servers, put, rate=True)
    take_turns(f"GET of {megabytes} MiB", "MiB/s", servers, get, rate=True)


def compare_small(servers: list[Server], folder: Path, count: int) -> None:
    """Small files in and out on four connections."""
    for what, text in (("PUT of 4 KiB, new files", PUT), ("GET of 4 KiB", GET)):
        runs = {}
        for server in servers:
            script = folder / f"{server.name}.lua"
            script.write_text(text.format(auth=server.auth, path=server.path, last=count - 1))
            kept = script.rename(folder / f"{server.name}-{what[:3]}.lua")
            runs[server.name] = lambda server=server, kept=kept: run_wrk(server.url, script=kept, connections=4)
        compare(what, runs, "fazt")


def list_folder(server: Server, folder: str) -> float:
    """How many ms a PROPFIND takes."""
    headers = ["-H", "Depth: 1", "-H", "Content-Type: application/xml", "--data-binary", PROPFIND]
    return 1_000 * curl(server, "-X", "PROPFIND", *headers, f"{server.url}{folder}/")


def compare_listings(servers: list[Server]) -> None:
    """PROPFIND of a large folder: again, and after one file in it has changed."""

    def changed(server: Server) -> float:
        httpx.put(f"{server.url}many/0.txt", content=os.urandom(16), auth=server.login).raise_for_status()
        return list_folder(server, "many")

    take_turns("PROPFIND after a change", "ms", servers, changed, rate=False)
    take_turns("PROPFIND again", "ms", servers, lambda server: list_folder(server, "many"), rate=False)


def compare_crowded(server: Server, count: int) -> None:
    """PROPFIND of a folder with 50 files, before and after very many others are in the drive."""
    with httpx.Client(auth=server.login, timeout=600) as client:
        client.request("MKCOL", f"{server.url}fifty/")
        for number in range(50):
            client.put(f"{server.url}fifty/{number}.txt", content=b"%d" % number)

        def measure() -> float:
            times = []
            for number in range(100):
                client.put(f"{server.url}fifty/0.txt", content=b"%d" % number)
                started = time.perf_counter()
                client.request("PROPFIND", f"{server.url}fifty/", content=PROPFIND, headers={"depth": "1"})
                times.append(time.perf_counter() - started)
            return 1_000 * statistics.median(times)

        before, there, round_ = measure(), 0, 0
        while there < count:  # copies of the large folder: as many rows, and no more bytes
            goal = {"destination": f"{server.url}crowd{round_}/"}
            client.request("COPY", f"{server.url}many/", headers=goal).raise_for_status()
            listed = client.request("PROPFIND", f"{server.url}crowd{round_}/", headers={"depth": "1"}).text
            there, round_ = there + listed.count("<D:response>") - 1, round_ + 1
        after = measure()
    print(f"\nPROPFIND of 50 files: {before:.2f} ms, and {after:.2f} ms with {there:,} others ({after / before:.2f} x)")


if __name__ == "__main__":
    main()
