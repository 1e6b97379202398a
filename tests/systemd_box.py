"""A real systemd for tests: a machine in namespaces of its own, over this machine's files, gone when it is left.

It boots Debian's systemd as process 1 in a second. What is written in it lands in memory; its network is a loopback of
its own, so port 80 is free; its groups of processes are its own. Nothing of it is seen outside.
"""

from __future__ import annotations

import os
import shlex
import site
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.program import wait_until

BOOT_S = 60.0
RUN_S = 120.0
BASE, ENV = Path("/opt/python"), Path("/opt/env")
PYTHON = ENV / "bin" / "python"
"""This test's Python with all that fazt needs, where everybody may run it: here it may lie in somebody's home."""

MASKED = (
    "systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service systemd-tmpfiles-setup-dev.service "
    "systemd-remount-fs.service systemd-udevd.service systemd-udev-trigger.service systemd-random-seed.service "
    "systemd-update-utmp.service systemd-journal-flush.service modprobe@.service dev-hugepages.mount dev-mqueue.mount "
    "sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount "
    "proc-sys-fs-binfmt_misc.mount proc-sys-fs-binfmt_misc.automount timers.target paths.target"
)
"""What would change the kernel that everybody shares, or its devices; and what tests have no use for."""

GROUPS = """\
mkdir "$BOX/groups"
mount -t cgroup2 cgroup2 "$BOX/groups"
own="$BOX/groups$(sed -n 's/^0:://p' /proc/self/cgroup)/$NAME"
"""
ENTER = """\
mount -t tmpfs -o mode=755 box "$BOX"
mkdir "$BOX/upper" "$BOX/work" "$BOX/root"
{groups}
mkdir "$own"
echo $$ > "$own/cgroup.procs"
umount "$BOX/groups"
exec unshare --cgroup sh -euc "$1" sh
"""
BOOT = """\
mount -t overlay box -o "lowerdir=/,upperdir=$BOX/upper,workdir=$BOX/work" "$BOX/root"
cd "$BOX/root"
mount -t proc proc proc
mount -o bind,ro proc/sys proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --rbind /dev dev
{share}
: > etc/machine-id
rm -rf etc/systemd/system/fazt.service etc/fazt var/lib/fazt opt/fazt usr/local/bin/fazt .dockerenv
for unit in {masked}; do ln -sf /dev/null "etc/systemd/system/$unit"; done
mkdir .old
pivot_root . .old
umount -l /.old
ldconfig
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=box "TESTED_BY=${{TESTED_BY-}}" \
    "SYSTEMD_PROC_CMDLINE=systemd.unified_cgroup_hierarchy=1 systemd.unit=basic.target" \
    /lib/systemd/systemd --system --log-target=journal
"""
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--net")
NEEDED = """\
A machine with systemd could not be made: {said}
These tests need root, and rights to make namespaces and mounts: run them as root, and in a container with \
`--privileged` (or --cap-add SYS_ADMIN,NET_ADMIN and no seccomp profile)."""


class Box:
    """`with Box(folder) as box:` runs commands in it. `shared` are folders of this machine to be seen in it."""

    def __init__(self, folder: Path, shared: dict[str, Path]) -> None:
        self.folder, self.name = folder, f"box-{os.getpid()}-{folder.name}"
        self.shared = {str(BASE): Path(sys.base_prefix), **shared}
        self.process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.log = folder.with_name(folder.name + ".log")

    def __enter__(self) -> Self:
        self.folder.mkdir()
        boot = BOOT.format(share="\n".join(self.share()), masked=MASKED)
        enter = ("sh", "-euc", ENTER.format(groups=GROUPS), "sh", boot)
        command = ["unshare", *NAMESPACES, "--fork", "--kill-child", *enter]
        environ = os.environ | {"BOX": str(self.folder), "NAME": self.name}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_until(self.has_booted, BOOT_S, "the boot")
        except AssertionError as error:
            self.close()
            raise AssertionError(NEEDED.format(said=self.log.read_text().strip() or error)) from error
        return self

    def share(self) -> list[str]:
        """Lines that make the shared folders seen, read-only, and a Python that sees what is installed here."""
        own, packages = Path(sys.prefix), Path(site.getsitepackages()[0])
        shared = {**self.shared, f"{ENV}/{packages.relative_to(own)}": packages, f"{ENV}/all": own / "bin"}
        lines = []
        for target, source in shared.items():
            place, path = shlex.quote(target.lstrip("/")), shlex.quote(str(source))
            lines.append(f"mkdir -p {place}; mount --rbind {path} {place}; mount -o remount,bind,ro {place}")
        env, base = str(ENV).lstrip("/"), f"{BASE}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        return [
            *lines,
            f"mkdir {env}/bin; ln -s ../all/deno {env}/bin/deno; ln -s {base} .{PYTHON}",
            f"echo home = {BASE}/bin > {env}/pyvenv.cfg",
            f"echo {BASE}/lib > etc/ld.so.conf.d/box.conf",
        ]

    def has_booted(self) -> bool:
        """Whether systemd is process 1 and all it starts by itself runs. Raises AssertionError where it has ended."""
        assert self.process is not None
        assert self.process.poll() is None, "it has ended"
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "systemd":
            return False  # before that, a command in it would reach this machine's own systemd
        self.pid = int(children[0])
        return self.run("systemctl", "is-active", "basic.target", check=False).returncode == 0

    def run(self, *command: str, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command in it, as root, with a shell's environment."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n", "-C"]
        variables = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **environ}
        done = subprocess.run(
            [*enter, "sh", "-c", 'cd && exec "$@"', "sh", *command],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_S,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all that runs in it, and take its groups of processes away."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not Path(f"/proc/{self.pid}").exists() if self.pid else True, BOOT_S, "its end")
        sweep = f'mount -t tmpfs box "$BOX"\n{GROUPS}\n[ ! -d "$own" ] || find "$own" -depth -type d -exec rmdir {{}} +'
        environ = os.environ | {"BOX": str(self.folder), "NAME": self.name}
        subprocess.run(["unshare", "--mount", "sh", "-euc", sweep], env=environ, check=True)
