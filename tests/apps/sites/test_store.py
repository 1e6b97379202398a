"""Rules of sites, on both engines."""

from __future__ import annotations

from hashlib import sha256

import pytest
from sqlalchemy import Connection, func, select

from fazt.apps.sites import store
from fazt.apps.sites.model import FileEntry, SiteOptions, Version
from fazt.apps.sites.schema import file, upload
from fazt.apps.sites.store import Bytes, Content, Deploy, Finished
from fazt.core.blobs.schema import core_blob
from fazt.core.clock import DAY
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound
from fazt.core.events import list_events
from fazt.core.jobs import list_jobs
from fazt.core.search import search
from tests.conftest import NOW

Pages = dict[str, bytes]
HOME = {"index.html": b"<h1>one</h1>", "a.css": b"a{}", "b.css": b"b{}"}


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def as_bytes(data: bytes) -> Bytes:
    return Bytes(digest(data), len(data), data)


def send(conn: Connection, site_id: int, *bodies: bytes, at: int = NOW) -> None:
    store.add_uploads(conn, site_id, [Content(as_bytes(body)) for body in bodies], at)


def begun(site_id: int, pages: Pages) -> Deploy:
    manifest = {path: (digest(data), len(data)) for path, data in pages.items()}
    return Deploy("d1", site_id, "ann", "deploy", "", manifest)


def deploy(conn: Connection, name: str, pages: Pages, now: int = NOW) -> Finished:
    site = store.ensure_site(conn, name, "ann", now)
    plan = begun(site.id, pages)
    missing = set(store.find_missing(conn, site.id, [hash for hash, _ in plan.manifest.values()]))
    send(conn, site.id, *(data for data in pages.values() if digest(data) in missing))
    return store.finish_deploy(conn, plan, now)


def shown(conn: Connection, name: str) -> dict[str, str]:
    site = store.get_site(conn, name)
    return {path: entry.hash for path, entry in store.load_files(conn, site.id, site.version).items()}


def hashes(pages: Pages) -> dict[str, str]:
    return {path: digest(data) for path, data in pages.items()}


def keeps(conn: Connection) -> dict[str, int]:
    """How often each blob that anybody keeps is kept."""
    found = conn.execute(select(core_blob.c.hash, core_blob.c.keeps).where(core_blob.c.keeps > 0))
    return {row.hash: row.keeps for row in found}


def count_rows(conn: Connection) -> int:
    return conn.scalar(select(func.count()).select_from(file)) or 0


def test_a_deploy_is_shown(conn: Connection) -> None:
    finished = deploy(conn, "blog", HOME)
    assert finished.is_new
    assert finished.version == Version(1, NOW, "ann", "deploy", "", 3, 18, 3, is_current=True)
    assert shown(conn, "blog") == hashes(HOME)
    assert keeps(conn) == dict.fromkeys(hashes(HOME).values(), 1)
    assert list_events(conn)[0].name == "sites.deployed"
    assert list_events(conn)[0].data == {"site": "blog", "version": 1, "files": 3, "by": "ann"}


def test_only_what_changed_is_asked_for_and_written(conn: Connection) -> None:
    deploy(conn, "blog", HOME)
    site = store.get_site(conn, "blog")
    changed = {**HOME, "a.css": b"a{color:red}"}
    wanted = [*hashes(changed).values(), digest(b"a{color:red}")]
    assert store.find_missing(conn, site.id, wanted) == [digest(b"a{color:red}")]
    finished = deploy(conn, "blog", changed)
    assert finished.version.changed_files == 1
    assert count_rows(conn) == 4
    assert shown(conn, "blog") == hashes(changed)


def test_a_deploy_without_a_change_makes_no_version(conn: Connection) -> None:
    deploy(conn, "blog", HOME)
    again = deploy(conn, "blog", HOME, NOW + 5)
    assert not again.is_new
    assert again.version.number == 1
    assert len(store.list_versions(conn, again.site.id)) == 1


def test_removed_and_returning_files(conn: Connection) -> None:
    deploy(conn, "blog", HOME)
    deploy(conn, "blog", {"index.html": HOME["index.html"]})
    finished = deploy(conn, "blog", HOME)
    assert shown(conn, "blog") == hashes(HOME)
    for number, pages in {1: HOME, 2: {"index.html": HOME["index.html"]}, 3: HOME}.items():
        entries = store.load_files(conn, finished.site.id, number)
        assert {path: entry.hash for path, entry in entries.items()} == hashes(pages)


def test_the_same_bytes_at_two_paths_are_kept_twice(conn: Connection) -> None:
    deploy(conn, "blog", {"a.txt": b"same", "b.txt": b"same"})
    assert keeps(conn) == {digest(b"same"): 2}


def test_compressed_forms_are_kept_and_moved_along(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    content = Content(as_bytes(b"x" * 1000), as_bytes(b"gz"), as_bytes(b"b"))
    store.add_uploads(conn, site.id, [content, content], NOW)
    store.add_uploads(conn, site.id, [content], NOW)
    assert set(keeps(conn).values()) == {1}
    store.finish_deploy(conn, begun(site.id, {"x.js": b"x" * 1000}), NOW)
    assert set(keeps(conn).values()) == {1}
    expected = FileEntry(digest(b"x" * 1000), 1000, digest(b"gz"), 2, digest(b"b"), 1)
    assert store.load_files(conn, site.id, 1) == {"x.js": expected}
    store.finish_deploy(conn, begun(site.id, {"y.js": b"x" * 1000}), NOW)
    assert store.find_file(conn, site.id, 2, "y.js") == expected
    assert store.find_file(conn, site.id, 2, "x.js") is None
    assert set(keeps(conn).values()) == {2}


def test_missing_bytes_leave_everything_as_it_was(conn: Connection) -> None:
    deploy(conn, "blog", HOME)
    site = store.get_site(conn, "blog")
    with pytest.raises(Conflict) as caught:
        store.finish_deploy(conn, begun(site.id, {"index.html": b"never sent"}), NOW)
    assert caught.value.details["missing"] == [digest(b"never sent")]
    assert shown(conn, "blog") == hashes(HOME)


def test_a_wrong_size_is_refused(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    send(conn, site.id, b"four")
    plan = Deploy("d", site.id, "ann", "deploy", "", {"a": (digest(b"four"), 5)})
    with pytest.raises(Invalid, match="announced"):
        store.finish_deploy(conn, plan, NOW)


def test_bytes_of_other_sites_are_not_shared_by_hash_alone(conn: Connection) -> None:
    deploy(conn, "secret", {"plan.txt": b"the plan"})
    other = store.create_site(conn, "other", "eve", NOW)
    assert store.find_missing(conn, other.id, [digest(b"the plan")]) == [digest(b"the plan")]
    with pytest.raises(Conflict):
        store.finish_deploy(conn, begun(other.id, {"x": b"the plan"}), NOW)


def test_a_deploy_under_way_is_remembered(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    plan = begun(site.id, HOME)
    store.begin_deploy(conn, plan, NOW)
    assert store.get_deploy(conn, site.id, "d1") == plan
    send(conn, site.id, *HOME.values())
    store.finish_deploy(conn, plan, NOW)
    with pytest.raises(NotFound):
        store.get_deploy(conn, site.id, "d1")


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"../x": ("0" * 64, 1)},
        {"x": ("0" * 63, 1)},
        {"x": ("0" * 64, -1)},
        {"x": ("0" * 64, 1), "x/y": ("0" * 64, 1)},
    ],
)
def test_manifests_that_are_refused(manifest: store.Manifest) -> None:
    with pytest.raises((Invalid, Conflict)):
        store.check_manifest(manifest)


def test_rolling_back_and_forth(conn: Connection) -> None:
    for n in range(1, 4):
        deploy(conn, "blog", {"index.html": b"%d" % n}, NOW + n)
    site = store.get_site(conn, "blog")
    assert store.roll_back(conn, site.id, None, "ann", NOW + 9).number == 2
    assert shown(conn, "blog") == {"index.html": digest(b"2")}
    assert store.roll_back(conn, site.id, 3, "ann", NOW + 9).is_current
    assert shown(conn, "blog") == {"index.html": digest(b"3")}
    store.roll_back(conn, site.id, 1, "ann", NOW)
    with pytest.raises(NotFound):
        store.roll_back(conn, site.id, None, "ann", NOW)
    with pytest.raises(NotFound):
        store.roll_back(conn, site.id, 4, "ann", NOW)
    assert [version.number for version in store.list_versions(conn, site.id)] == [3, 2, 1]
    assert [version.is_current for version in store.list_versions(conn, site.id)] == [False, False, True]


def test_a_deploy_after_a_roll_back_is_a_new_version(conn: Connection) -> None:
    deploy(conn, "blog", {"index.html": b"1"})
    deploy(conn, "blog", {"index.html": b"2"})
    site = store.get_site(conn, "blog")
    store.roll_back(conn, site.id, 1, "ann", NOW)
    finished = deploy(conn, "blog", {"index.html": b"2"})
    assert (finished.is_new, finished.version.number) == (True, 3)
    assert shown(conn, "blog") == {"index.html": digest(b"2")}


def test_pruning_forgets_versions_and_then_their_bytes(conn: Connection) -> None:
    for n in range(1, 6):
        deploy(conn, "blog", {"index.html": b"%d" % n, "same.css": b"same"})
    site = store.get_site(conn, "blog")
    store.roll_back(conn, site.id, 2, "ann", NOW)
    assert store.prune_versions(conn, site.id, 2, NOW) == [3, 1]
    assert [job.name for job in list_jobs(conn)].count("sites.collect") == 1
    assert store.collect_some(conn, site.id, limit=1) == 1
    assert store.collect_some(conn, site.id) == 1
    assert store.collect_some(conn, site.id) == 0
    left = {digest(b"2"), digest(b"4"), digest(b"5"), digest(b"same")}
    assert keeps(conn) == dict.fromkeys(left, 1)
    assert shown(conn, "blog") == {"index.html": digest(b"2"), "same.css": digest(b"same")}
    assert store.prune_versions(conn, site.id, 0, NOW) == []


def test_a_site_keeps_as_many_versions_as_it_says(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    store.put_options(conn, site.id, SiteOptions(keep=2, spa=True), NOW)
    for n in range(5):
        deploy(conn, "blog", {"index.html": b"%d" % n})
    assert [version.number for version in store.list_versions(conn, site.id)] == [5, 4]
    assert store.get_site(conn, "blog").options == SiteOptions(keep=2, spa=True)


def test_uploads_that_nobody_finished_are_swept(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    send(conn, site.id, b"old", at=NOW)
    send(conn, site.id, b"new", at=NOW + DAY)
    store.begin_deploy(conn, begun(site.id, HOME), NOW)
    assert store.sweep_uploads(conn, NOW + 1) == 1
    assert store.sweep_deploys(conn, NOW + 1) == 1
    assert keeps(conn) == {digest(b"new"): 1}


def test_names_are_taken_once(conn: Connection) -> None:
    store.create_site(conn, "Blog", "ann", NOW)
    with pytest.raises(Conflict):
        store.create_site(conn, "blog", "eve", NOW)
    with pytest.raises(Forbidden):
        store.ensure_site(conn, "blog", "eve", NOW)
    assert store.ensure_site(conn, "blog", "eve", NOW, any_owner=True).owner == "ann"
    with pytest.raises(Invalid):
        store.create_site(conn, "not a name", "ann", NOW)
    assert [site.name for site in store.list_sites(conn, owner="ann")] == ["blog"]
    assert store.list_sites(conn, owner="eve") == []
    assert store.count_sites(conn) == 1


def test_renaming(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    store.create_site(conn, "shop", "ann", NOW)
    with pytest.raises(Conflict):
        store.rename_site(conn, site.id, "shop", NOW)
    store.rename_site(conn, site.id, "journal", NOW)
    assert store.find_site(conn, "blog") is None
    assert store.get_site(conn, "journal").id == site.id


def test_delete_and_undo(conn: Connection) -> None:
    deploy(conn, "blog", HOME)
    site = store.get_site(conn, "blog")
    store.delete_site(conn, site.id, NOW + 5)
    with pytest.raises(NotFound, match="deleted"):
        store.get_site(conn, "blog")
    with pytest.raises(Conflict, match="brought back"):
        store.ensure_site(conn, "blog", "ann", NOW)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        store.finish_deploy(conn, begun(site.id, HOME), NOW)
    assert [gone.name for gone in store.list_sites(conn, deleted=True)] == ["blog"]
    assert not store.purge_some(conn, site.id, NOW)
    store.restore_site(conn, site.id, NOW + 6)
    assert shown(conn, "blog") == hashes(HOME)
    assert not store.purge_some(conn, site.id, NOW + DAY)
    assert shown(conn, "blog") == hashes(HOME)


def test_delete_for_good(conn: Connection) -> None:
    deploy(conn, "blog", HOME)
    deploy(conn, "blog", {**HOME, "a.css": b"changed"})
    site = store.get_site(conn, "blog")
    store.add_domain(conn, site.id, "blog.example", NOW)
    send(conn, site.id, b"half a deploy")
    store.delete_site(conn, site.id, NOW)
    store.condemn_site(conn, site.id, NOW)
    assert store.list_sites(conn, deleted=True) == []
    assert store.list_condemned(conn, NOW) == [site.id]
    assert store.create_site(conn, "blog", "eve", NOW).owner == "eve"
    rounds = 0
    while store.purge_some(conn, site.id, NOW, limit=2):
        rounds += 1
    assert rounds == 3
    assert keeps(conn) == {}
    assert count_rows(conn) == 0
    assert conn.scalar(select(func.count()).select_from(upload)) == 0
    with pytest.raises(NotFound):
        store.get_site_by_id(conn, site.id)


def test_domains(conn: Connection) -> None:
    blog = store.create_site(conn, "blog", "ann", NOW)
    shop = store.create_site(conn, "shop", "ann", NOW)
    assert store.add_domain(conn, blog.id, "WWW.Example.com", NOW).host == "www.example.com"
    with pytest.raises(Conflict):
        store.add_domain(conn, shop.id, "www.example.com", NOW)
    with pytest.raises(Invalid):
        store.add_domain(conn, blog.id, "not a host", NOW)
    assert [(found.host, found.site) for found in store.list_domains(conn)] == [("www.example.com", "blog")]
    assert store.list_domains(conn, shop.id) == []
    with pytest.raises(NotFound):
        store.remove_domain(conn, shop.id, "www.example.com", NOW)
    store.delete_site(conn, blog.id, NOW)
    assert store.list_domains(conn) == []
    store.remove_domain(conn, blog.id, "www.example.com", NOW)


def test_the_search_box_finds_sites_by_their_names(conn: Connection) -> None:
    def find(query: str) -> list[str]:
        return [found.path for found in search(conn, query, user_id="ann", limit=9)]

    site = store.create_site(conn, "journal", "ann", NOW)
    assert find("journal") == ["/sites/journal"]
    store.rename_site(conn, site.id, "diary", NOW)
    assert (find("journal"), find("diary")) == ([], ["/sites/diary"])
    store.delete_site(conn, site.id, NOW)
    assert find("diary") == []
    store.restore_site(conn, site.id, NOW)
    assert find("diary") == ["/sites/diary"]
    assert search(conn, "diary", user_id="eve", limit=9) == []


def test_password(conn: Connection) -> None:
    site = store.create_site(conn, "blog", "ann", NOW)
    store.put_password(conn, site.id, "$argon2id$…", NOW)
    assert store.get_site(conn, "blog").password_hash == "$argon2id$…"
