"""Where compiled code is kept: what lies there is run, so nobody else may have written it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from beyondacc.files import folders
from beyondacc.kernels import cached as cached_code, jit

ROOT = Path(__file__).resolve().parents[1]
OTHER = 54321  # a user that is not this one

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no modes here")
as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files to somebody else"
)

PROBE = """
import os, sys
from pathlib import Path
from beyondacc.kernels import jit
print(jit.CACHE, jit.LASTS, oct(Path(jit.CACHE).stat().st_mode & 0o777), Path(jit.CACHE).stat().st_uid == os.getuid())
"""
USE = """
import numpy as np
from beyondacc.kernels import jit
from beyondacc.kernels.align import length_rows
found = np.empty(1, np.int32)
length_rows(np.array([[3, 1, -1]], np.int32), found)
print(found[0], sum(length_rows.stats.cache_hits.values()))
"""


def run(code, *, drop=(), **environment):
    """Run lines with other folders; the last line that they print, in words."""
    env = {name: value for name, value in os.environ.items() if name not in {"NUMBA_CACHE_DIR", *drop}}
    env |= {"PYTHONPATH": str(ROOT), **{name: str(value) for name, value in environment.items()}}
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.split()


@pytest.fixture
def places(tmp_path):
    """A home, a cache folder and a folder for temporary files, as they usually are."""
    made = {name: tmp_path / name for name in ("home", "cache", "tmp")}
    for each in made.values():
        each.mkdir(mode=0o755)
    made["tmp"].chmod(0o1777)
    return {"HOME": made["home"], "XDG_CACHE_HOME": made["cache"], "TMPDIR": made["tmp"]}


def test_the_folder_is_private_and_lasts(places):
    folder, lasts, mode, own = run(PROBE, **places)
    assert Path(folder).parent == places["XDG_CACHE_HOME"] / "beyondacc"
    assert (lasts, mode, own) == ("True", "0o700", "True")
    assert run(PROBE, **places)[0] == folder
    home = run(PROBE, drop={"XDG_CACHE_HOME"}, **{**places, "XDG_CACHE_HOME": ""})[0]
    assert Path(home).parents[1] == places["HOME"] / ".cache"
    assert run(USE, **places) == ["2", "0"]
    assert run(USE, **places) == ["2", "1"]  # found where the first process left it
    given = places["HOME"] / "given"
    assert Path(run(PROBE, **places, NUMBA_CACHE_DIR=given)[0]).parents[1] == given
    link = places["HOME"] / "link"
    link.symlink_to(places["XDG_CACHE_HOME"])  # a setting of the user
    assert run(PROBE, **{**places, "XDG_CACHE_HOME": link})[0] == folder


def spoil_base(base, _name):
    base.chmod(0o777)


def spoil_base_for_a_group(base, _name):
    base.chmod(0o775)
    os.chown(base, -1, OTHER)


def spoil_parent(base, name):
    (base / "beyondacc" / name).mkdir(parents=True)
    (base / "beyondacc").chmod(0o777)


def spoil_folder(base, name):
    (base / "beyondacc" / name).mkdir(parents=True)
    (base / "beyondacc" / name).chmod(0o777)


def spoil_by_link(base, name):
    (base / "beyondacc").mkdir()
    elsewhere = base.parent / "elsewhere"
    elsewhere.mkdir()
    (base / "beyondacc" / name).symlink_to(elsewhere)


def spoil_by_link_of_the_parent(base, _name):
    elsewhere = base.parent / "elsewhere"
    elsewhere.mkdir()
    (base / "beyondacc").symlink_to(elsewhere)


def spoil_by_dangling_link(base, _name):
    (base / "beyondacc").symlink_to(base / "nowhere")


def spoil_by_file(base, _name):
    (base / "beyondacc").write_text("")


def give_base(base, _name):
    os.chown(base, OTHER, OTHER)


def give_parent(base, name):
    (base / "beyondacc" / name).mkdir(parents=True)
    os.chown(base / "beyondacc", OTHER, OTHER)


def give_folder(base, name):
    (base / "beyondacc" / name).mkdir(parents=True)
    os.chown(base / "beyondacc" / name, OTHER, OTHER)


SPOILT = [
    *(spoil_base, spoil_parent, spoil_folder, spoil_by_link, spoil_by_link_of_the_parent),
    *(spoil_by_dangling_link, spoil_by_file),
    *(pytest.param(each, marks=as_root) for each in (spoil_base_for_a_group, give_base, give_parent, give_folder)),
]


def cached(monkeypatch, places):
    """The folder that a process with such an environment would use, and whether it lasts."""
    for name in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, path in places.items():
        monkeypatch.setenv(name, str(path))
    monkeypatch.setattr(tempfile, "tempdir", str(places["TMPDIR"]))
    folder, lasts = cached_code._cache()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()
    return folder, lasts


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("where", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "HOME"])
def test_a_folder_in_which_others_can_write_is_not_used(places, spoil, where, monkeypatch):
    base = places["HOME"] / (".cache" if where == "HOME" else "base")
    base.mkdir()
    spoil(base, jit.COMPILER)
    given = {name: path for name, path in places.items() if name != "XDG_CACHE_HOME"}
    if where != "HOME":
        given[where] = base
    folder, lasts = cached(monkeypatch, given)
    temporary = places["TMPDIR"] / f"beyondacc-{os.getuid()}"
    assert folder == temporary / "beyondacc" / jit.COMPILER
    assert lasts
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o700


@pytest.mark.parametrize("spoil", SPOILT)
def test_without_any_safe_folder_each_process_has_one_of_its_own(places, spoil, monkeypatch):
    """Somebody was there first and took the name below the folder for temporary files."""
    unusable = places["HOME"] / "file"
    unusable.write_text("")
    taken = places["TMPDIR"] / f"beyondacc-{os.getuid()}"
    taken.mkdir(mode=0o700)
    spoil(taken, jit.COMPILER)
    made = [cached(monkeypatch, {**places, "XDG_CACHE_HOME": unusable}) for _ in range(2)]
    assert [lasts for _, lasts in made] == [False, False]
    assert len({folder for folder, _ in made}) == 2
    for folder, _ in made:
        assert folder.name == jit.COMPILER
        assert folder.parents[2] == places["TMPDIR"]
        assert not folder.is_relative_to(taken)


def test_the_folder_of_one_process_goes_with_it(places):
    unusable = places["HOME"] / "file"
    unusable.write_text("")
    taken = places["TMPDIR"] / f"beyondacc-{os.getuid()}"
    taken.write_text("")
    assert run(PROBE, **{**places, "XDG_CACHE_HOME": unusable})[1:] == ["False", "0o700", "True"]
    assert run(USE, **{**places, "XDG_CACHE_HOME": unusable}) == ["2", "0"]
    assert [path.name for path in places["TMPDIR"].iterdir()] == [taken.name]


@as_root
def test_code_that_somebody_else_placed_is_not_run(places):
    """The folder that was used before, with a file in it that would be unpickled."""
    own = {**places, "NUMBA_CACHE_DIR": places["HOME"] / "own"}
    assert run(USE, **own) == ["2", "0"]
    made = Path(run(PROBE, **own)[0])
    target = places["XDG_CACHE_HOME"] / "beyondacc" / made.name
    target.parent.mkdir()
    made.rename(target)
    trap = places["HOME"] / "trapped"
    poison = f"cos\nsystem\n(S'touch {trap}'\ntR.".encode()
    for index in target.rglob("*.nbi"):
        index.write_bytes(poison)
    for path in (target, *target.rglob("*")):
        os.chown(path, OTHER, OTHER)
    assert run(USE, **places) == ["2", "0"]
    assert not trap.exists()


def test_nothing_can_be_written_anywhere(places):
    code = f"import tempfile; tempfile.gettempdir = lambda: {str(places['HOME'] / 'none' / 'there')!r}\n"
    code += "tempfile.tempdir = tempfile.gettempdir()\n"
    code += "import beyondacc.files.folders as f; f.private = lambda *_: None\n"
    assert run(code + "from beyondacc.kernels import jit; print(jit.CACHE, jit.LASTS)", **places) == ["None", "False"]
    assert run(code + USE, **places) == ["2", "0"]


def test_a_child_leaves_the_folder_of_its_parent(tmp_path, monkeypatch):
    monkeypatch.setattr(folders.tempfile, "tempdir", str(tmp_path))
    made = folders.fresh()
    folders._remove(str(made), os.getpid() + 1)
    assert made.is_dir()
    folders._remove(str(made), os.getpid())
    assert not made.exists()


def test_a_group_of_one_user_may_write(tmp_path, monkeypatch):
    """As where the umask is 002 because every user has a group."""
    import grp
    import pwd
    from types import SimpleNamespace as Record

    tmp_path.chmod(0o775)
    found = tmp_path.stat()
    users = {found.st_uid: Record(pw_gid=found.st_gid, pw_name="me")}
    groups = {found.st_gid: Record(gr_name="me", gr_mem=[])}
    monkeypatch.setattr(pwd, "getpwuid", users.__getitem__)
    monkeypatch.setattr(grp, "getgrgid", groups.__getitem__)
    assert not folders.open_to_others(tmp_path)
    groups[found.st_gid].gr_mem = ["me", "another"]
    assert folders.open_to_others(tmp_path)
    groups[found.st_gid] = Record(gr_name="staff", gr_mem=[])
    assert folders.open_to_others(tmp_path)
    users.clear()
    assert folders.open_to_others(tmp_path)
    groups[found.st_gid] = Record(gr_name="me", gr_mem=[])
    users[found.st_uid] = Record(pw_gid=found.st_gid, pw_name="me")
    tmp_path.chmod(0o777)
    assert folders.open_to_others(tmp_path)


@as_root
def test_a_warm_up_of_two_processes_shares_a_folder_of_one_process(places):
    unusable = places["HOME"] / "file"
    unusable.write_text("")
    (places["TMPDIR"] / f"beyondacc-{os.getuid()}").write_text("")
    code = """
import os
from beyondacc.kernels import jit
from beyondacc.warmup import _same_cache
os.environ |= _same_cache()
import subprocess, sys
print(jit.CACHE, jit.LASTS, flush=True)
subprocess.run([sys.executable, "-c", "from beyondacc.kernels import jit; print(jit.CACHE, jit.LASTS)"], check=True)
"""
    mine, lasts, other, other_lasts = run(code, **{**places, "XDG_CACHE_HOME": unusable})
    assert mine == other
    assert (lasts, other_lasts) == ("False", "True")
