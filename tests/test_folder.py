import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from corpus.errors import IndexFormatError
from corpus.loaders import file_sha256
from index.folder import (
    MANIFEST,
    check_writable,
    checked_data,
    read_manifest,
    reading,
    refresh_command,
    remove_leftovers,
    write_folder,
)

as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


WRITING = """
import sys, time
from pathlib import Path
from index.folder import write_folder

def write_data(data):
    (data / "a.txt").write_text("second")
    print("writing", flush=True)
    time.sleep(60)

write_folder(Path(sys.argv[1]), {}, write_data)
"""


@pytest.fixture
def folder(tmp_path):
    """Where the index goes; not there yet."""
    return tmp_path / "rules.index"


def write(folder, content="first", **manifest):
    def write_data(data):
        (data / "a.txt").write_text(content)
        (data / "sub").mkdir()
        (data / "sub" / "b.txt").write_text(content)

    write_folder(folder, manifest, write_data)


def read(folder):
    return (checked_data(folder, read_manifest(folder)) / "a.txt").read_text()


def change_manifest(folder, **changes):
    file = folder / MANIFEST
    manifest = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in manifest.items() if v is not None}))


def entries(folder):
    return sorted(path.name[:5] for path in folder.iterdir())


class TestWriting:
    def test_what_was_written_is_read(self, folder):
        write(folder, sources=["docs"])
        assert read(folder) == "first"
        assert read_manifest(folder)["sources"] == ["docs"]

    def test_every_file_has_a_checksum(self, folder):
        write(folder)
        manifest = read_manifest(folder)
        assert set(manifest["checksums"]) == {"a.txt", "sub/b.txt"}
        assert manifest["checksums"]["a.txt"] == file_sha256(folder / manifest["data"] / "a.txt")

    def test_folders_above_are_made(self, folder):
        write(folder / "deep" / "er")
        assert read(folder / "deep" / "er") == "first"

    def test_an_empty_folder_is_written_to(self, folder):
        folder.mkdir()
        write(folder)
        assert read(folder) == "first"

    def test_a_second_version_replaces_the_first(self, folder):
        write(folder)
        write(folder, "second")
        assert read(folder) == "second"
        assert entries(folder) == ["data-", "manif"]

    @pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), MemoryError()])
    def test_a_crash_while_writing_leaves_the_old_version(self, folder, error):
        write(folder)

        def crash(data):
            (data / "a.txt").write_text("half")
            raise error

        with pytest.raises(type(error), match=r"no|^$"):
            write_folder(folder, {}, crash)
        assert read(folder) == "first"
        assert entries(folder) == ["data-", "manif"]

    def test_a_full_disk_is_one_line_and_leaves_the_old_version(self, folder):
        write(folder)

        def fill(data):
            raise OSError(28, "No space left on device")

        with pytest.raises(
            IndexFormatError, match=r"cannot be written: No space left on device; choose a folder"
        ):
            write_folder(folder, {}, fill)
        assert read(folder) == "first"

    def test_a_manifest_that_cannot_be_written_leaves_nothing(self, folder):
        write(folder)
        with pytest.raises(TypeError, match="not JSON serializable"):
            write(folder, "second", sources=object())
        assert read(folder) == "first"
        assert entries(folder) == ["data-", "manif"]

    def test_what_a_killed_process_left_long_ago_is_removed(self, folder):
        write(folder)
        left = [folder / "data-0123456789ab", folder / f"{MANIFEST}.data-0123456789ab"]
        left[0].mkdir()
        left[1].write_text("{")
        for path in left:
            os.utime(path, (time.time() - 7200,) * 2)
        write(folder, "second")
        assert entries(folder) == ["data-", "manif"]

    def test_what_a_process_left_is_removed_as_soon_as_it_is_killed(self, folder):
        write(folder)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITING, str(folder)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        remove_leftovers(folder)
        assert entries(folder) == ["data-", "data-", "manif"]
        process.kill()
        process.communicate()
        remove_leftovers(folder)
        assert entries(folder) == ["data-", "manif"]
        assert read(folder) == "first"

    def test_a_manifest_that_was_not_put_in_place_goes_with_its_data(self, folder):
        write(folder)
        (folder / "data-0123456789ab").mkdir()
        (folder / "data-0123456789ab" / "lock").touch()
        (folder / f"{MANIFEST}.data-0123456789ab").write_text("{")
        remove_leftovers(folder)
        assert entries(folder) == ["data-", "manif"]

    def test_the_version_that_stands_is_never_left_over(self, folder):
        write(folder)
        data = folder / read_manifest(folder)["data"]
        (data / "lock").touch()
        remove_leftovers(folder)
        os.utime(data, (time.time() - 7200,) * 2)
        (data / "lock").unlink()
        remove_leftovers(folder)
        assert read(folder) == "first"

    def test_the_lock_is_held_while_it_is_written_and_no_part_of_it(self, folder):
        def write_data(data):
            (data / "a.txt").write_text("locked")
            with pytest.raises(TimeoutError):
                FileLock(data / "lock").acquire(blocking=False)

        write_folder(folder, {}, write_data)
        manifest = read_manifest(folder)
        assert list(manifest["checksums"]) == ["a.txt"]
        assert [path.name for path in (folder / manifest["data"]).iterdir()] == ["a.txt"]

    def test_what_another_process_is_writing_is_left_alone(self, folder):
        write(folder)
        (folder / "data-0123456789ab").mkdir()
        write(folder, "second")
        assert (folder / "data-0123456789ab").is_dir()
        assert entries(folder) == ["data-", "data-", "manif"]

    def test_a_process_that_finishes_while_another_writes_does_not_harm_it(self, folder):
        def write_slowly(data):
            write(folder, "other")
            (data / "a.txt").write_text("slow")

        write_folder(folder, {}, write_slowly)
        assert read(folder) == "slow"
        assert entries(folder) == ["data-", "manif"]

    @pytest.mark.parametrize("text", ["{", "[]", '{"format_version": 1', ""])
    def test_a_damaged_index_can_be_written_anew(self, folder, text):
        write(folder)
        (folder / MANIFEST).write_text(text)
        write(folder, "second")
        assert read(folder) == "second"

    def test_an_index_without_its_data_can_be_written_anew(self, folder):
        write(folder)
        shutil.rmtree(folder / read_manifest(folder)["data"])
        write(folder, "second")
        assert read(folder) == "second"


class TestRefusingToWrite:
    @pytest.mark.parametrize(
        "name", ["thesis.txt", "data-2024", "data-of-mine", "manifest.json.bak", ".hidden"]
    )
    def test_a_folder_that_holds_something_else_is_left_alone(self, folder, name):
        folder.mkdir()
        (folder / name).mkdir()
        with pytest.raises(IndexFormatError, match="exists and is not an index; choose another"):
            write(folder)
        assert [path.name for path in folder.iterdir()] == [name]

    @pytest.mark.parametrize("text", ['{"name": "my app"}', "[1]", "not JSON", '"text"'])
    def test_the_manifest_of_another_program_is_left_alone(self, folder, text):
        folder.mkdir()
        (folder / MANIFEST).write_text(text)
        with pytest.raises(IndexFormatError, match="exists and is not an index"):
            write(folder)
        assert (folder / MANIFEST).read_text() == text

    def test_an_index_with_a_file_of_somebody_else_in_it_is_left_alone(self, folder):
        write(folder)
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(IndexFormatError, match="exists and is not an index"):
            check_writable(folder)

    def test_a_file_is_left_alone(self, folder):
        folder.write_text("mine")
        with pytest.raises(IndexFormatError, match="exists and is not an index; choose another"):
            write(folder)
        assert folder.read_text() == "mine"

    def test_a_folder_below_a_file_is_refused(self, folder):
        folder.write_text("mine")
        with pytest.raises(IndexFormatError, match="cannot be written: Not a directory; choose"):
            write(folder / "sub")

    def test_a_name_that_is_too_long_is_refused(self, tmp_path):
        with pytest.raises(IndexFormatError, match="cannot be written: File name too long; choose"):
            write(tmp_path / ("x" * 300))

    def test_a_broken_link_is_refused(self, folder):
        folder.symlink_to("nowhere")
        with pytest.raises(IndexFormatError, match="cannot be written: File exists; choose"):
            write(folder)

    @as_user
    def test_a_folder_without_permission_is_refused(self, folder):
        folder.mkdir(mode=0o500)
        with pytest.raises(IndexFormatError, match="cannot be written: Permission denied; choose"):
            write(folder)

    @as_user
    def test_a_folder_that_may_not_be_listed_is_refused(self, folder):
        folder.mkdir(mode=0)
        with pytest.raises(IndexFormatError, match="cannot be written: Permission denied; choose"):
            check_writable(folder)


class TestReading:
    def test_a_missing_index_is_one_line_with_the_command(self, folder):
        with pytest.raises(
            IndexFormatError, match=r"no such index; build it with: observer index PATH -o /"
        ):
            read_manifest(folder)

    def test_a_file_is_no_index(self, folder):
        folder.write_text("mine")
        with pytest.raises(IndexFormatError, match="no such index; build it with"):
            read_manifest(folder)

    def test_a_folder_without_manifest_is_no_index(self, folder):
        folder.mkdir()
        with pytest.raises(
            IndexFormatError, match=r"is not an index, it has no manifest\.json; build one with"
        ):
            read_manifest(folder)

    @pytest.mark.parametrize(
        "data", [b"", b'{"format_version": 1, "da', b"\xff\xfe", b"[" * 100_000], ids=len
    )
    def test_an_unreadable_manifest_is_one_line_with_the_command(self, folder, data):
        folder.mkdir()
        (folder / MANIFEST).write_bytes(data)
        with pytest.raises(
            IndexFormatError,
            match=r"manifest\.json: is unreadable; rebuild it with: observer index",
        ):
            read_manifest(folder)

    @pytest.mark.parametrize(
        ("text", "version"), [("[]", None), ("7", None), ("{}", None), ('{"format_version": 2}', 2)]
    )
    def test_another_format_is_one_line_with_the_command(self, folder, text, version):
        folder.mkdir()
        (folder / MANIFEST).write_text(text)
        with pytest.raises(
            IndexFormatError, match=f"has index format {version}, this version reads 3; rebuild it"
        ):
            read_manifest(folder)

    @as_user
    def test_a_manifest_without_permission_is_one_line(self, folder):
        write(folder)
        (folder / MANIFEST).chmod(0)
        with pytest.raises(IndexFormatError, match=r"manifest\.json: is unreadable; rebuild"):
            read_manifest(folder)

    @pytest.mark.parametrize("file", ["a.txt", "sub/b.txt"])
    def test_an_altered_file_is_named(self, folder, file):
        write(folder, sources=["/docs"])
        (folder / read_manifest(folder)["data"] / file).write_text("fIrst")
        with pytest.raises(
            IndexFormatError,
            match=f"{file}: was altered .*; rebuild it with: observer index /docs -o",
        ):
            read(folder)

    def test_a_file_of_the_recorded_time_is_read_by_a_thorough_check_alone(self, folder):
        write(folder)
        manifest = read_manifest(folder)
        file = folder / manifest["data"] / "a.txt"
        os.utime(folder / MANIFEST, ns=(0, manifest["written"]["a.txt"] + 1))
        file.write_text("fIrst")
        os.utime(file, ns=(0, manifest["written"]["a.txt"]))
        assert read(folder) == "fIrst"
        with pytest.raises(
            IndexFormatError, match=r"a\.txt: was altered since the index was built"
        ):
            checked_data(folder, manifest, thorough=True)

    def test_a_file_as_young_as_the_manifest_is_read(self, folder):
        write(folder)
        manifest = read_manifest(folder)
        file = folder / manifest["data"] / "a.txt"
        file.write_text("fIrst")
        for path in (file, folder / MANIFEST):
            os.utime(path, ns=(0, manifest["written"]["a.txt"]))
        with pytest.raises(
            IndexFormatError, match=r"a\.txt: was altered since the index was built"
        ):
            checked_data(folder, manifest)

    @pytest.mark.parametrize("file", ["a.txt", "sub/b.txt"])
    def test_a_missing_file_is_named(self, folder, file):
        write(folder)
        (folder / read_manifest(folder)["data"] / file).unlink()
        with pytest.raises(IndexFormatError, match=f"{file}: is missing; rebuild it with"):
            read(folder)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"data": None}, "KeyError: 'data'"),
            ({"checksums": None}, "KeyError: 'checksums'"),
            ({"checksums": 3}, "TypeError"),
            ({"written": None}, "KeyError: 'written'"),
            ({"data": ".."}, r"no data folder is called '\.\.'"),
            ({"data": "/etc"}, "no data folder is called '/etc'"),
            ({"data": ["x"]}, "no data folder is called"),
            ({"data": ""}, "no data folder is called ''"),
        ],
    )
    def test_a_manifest_that_lacks_something_is_malformed(self, folder, changes, reason):
        write(folder)
        change_manifest(folder, **changes)
        with pytest.raises(IndexFormatError, match=rf"manifest\.json is malformed \(.*{reason}"):
            read(folder)

    @pytest.mark.parametrize("error", [KeyError("id"), RuntimeError("a\nb"), MemoryError("7 TiB")])
    def test_what_a_parser_raises_becomes_one_line(self, folder, error):
        with (
            pytest.raises(
                IndexFormatError, match=r"^[^\n]*a\.txt is malformed [^\n]*rebuild it with"
            ),
            reading(folder, {}, "a.txt"),
        ):
            raise error


class TestRefreshCommand:
    def test_sources_are_quoted_as_a_shell_needs_it(self, tmp_path):
        command = refresh_command(tmp_path / "my index", {"sources": ["/my docs", "/b's"]})
        assert command == f"""observer index '/my docs' '/b'"'"'s' -o '{tmp_path}/my index'"""

    def test_a_source_in_the_working_folder_is_shown_as_it_is_typed(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        manifest = {"sources": [str(tmp_path / "docs"), "/elsewhere"]}
        assert refresh_command(tmp_path, manifest).startswith("observer index docs /elsewhere -o")

    @pytest.mark.parametrize("sources", [None, [], 5, "docs", [5]])
    def test_unknown_sources_are_left_to_the_user(self, tmp_path, sources):
        command = refresh_command(tmp_path, {"sources": sources})
        assert command == f"observer index PATH -o {tmp_path}"

    def test_an_encoder_that_is_not_the_default_is_named(self, tmp_path):
        manifest = {"encoder": {"name": "models/mine"}}
        assert refresh_command(tmp_path, manifest).endswith("--encoder models/mine")
        assert refresh_command(tmp_path, manifest, encoder="other").endswith("--encoder other")

    @pytest.mark.parametrize("encoder", [None, 3, {}, {"name": "all-MiniLM-L6-v2"}])
    def test_the_default_encoder_needs_no_name(self, tmp_path, encoder):
        assert "--encoder" not in refresh_command(tmp_path, {"encoder": encoder})
