"""Statistics, alternation, units, tables, sections, and reading the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import benches, main
from bench.kit import markdown, rounds, stats, units
from bench.kit.machine import FileSystem, cpu_model, file_system, find_mount
from bench.kit.places import place


class TestStats:
    def test_summary_of_five_runs(self) -> None:
        assert stats.summarise([5.0, 1.0, 4.0, 2.0, 30.0]) == stats.Summary(5, 4.0, 1.0, 3.0)

    def test_one_run_has_no_spread(self) -> None:
        assert stats.summarise([2.5]) == stats.Summary(1, 2.5, 2.5, 0.0)

    def test_even_count_takes_the_middle(self) -> None:
        assert stats.summarise([1.0, 2.0, 3.0, 10.0]).median == 2.5

    def test_nothing_to_summarise_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="no run"):
            stats.summarise([])

    def test_ratio_above_one_means_ours_is_faster(self) -> None:
        assert stats.ratio(theirs=3.0, ours=1.5) == 2.0

    def test_ratio_refuses_a_time_of_zero(self) -> None:
        with pytest.raises(ValueError, match="cannot be compared"):
            stats.ratio(1.0, 0.0)

    def test_slope_is_what_one_more_costs(self) -> None:
        assert stats.slope([(1_000, 5_000), (10_000, 32_000), (100_000, 302_000)]) == pytest.approx(3.0)


class TestRounds:
    def test_warm_up_comes_first_and_is_extra(self) -> None:
        assert list(rounds.rounds(3)) == [rounds.WARM_UP, 1, 2, 3]

    def test_order_rotates_by_one(self) -> None:
        orders = ["".join(rounds.rotated("abc", number)) for number in range(4)]
        assert orders == ["abc", "bca", "cab", "abc"]

    def test_everyone_stands_once_in_every_position(self) -> None:
        orders = [rounds.rotated("abcde", number) for number in range(5)]
        assert all(sorted(position) == list("abcde") for position in zip(*orders, strict=True))

    def test_nobody_to_rotate(self) -> None:
        assert rounds.rotated([], 3) == []


class TestUnits:
    @pytest.mark.parametrize(
        ("count", "text"),
        [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_960, "1.0 MB"),
            (4e9, "4.0 GB"),
            (2.5e12, "2.5 TB"),
        ],
    )
    def test_size(self, count: float, text: str) -> None:
        assert units.size(count) == text

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.01234, "0.0123"),
            (0.0996, "0.100"),
            (0.9996, "1.00"),
            (9.996, "10.0"),
            (12.34, "12.3"),
            (123.4, "123"),
        ],
    )
    def test_seconds_keep_three_figures(self, value: float, text: str) -> None:
        assert units.seconds(value) == text

    def test_counted(self) -> None:
        assert [units.counted(count, "file") for count in (0, 1, 2_000)] == [
            "0 files",
            "1 file",
            "2,000 files",
        ]


class TestTable:
    def test_columns_line_up_and_align(self) -> None:
        drawn = markdown.table(
            ["tool", "s", "copy"], [["cp -a", "1.25", "same"], ["a|b", "10", "no"]], left=(0, 2)
        )
        assert drawn == (
            "| tool  |    s | copy |\n"
            "| ----- | ---: | ---- |\n"
            "| cp -a | 1.25 | same |\n"
            "| a\\|b  |   10 | no   |"
        )

    def test_a_short_row_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="as many cells"):
            markdown.table(["a", "b"], [["1"]])


class TestSection:
    PAGE = "# Title\n\nfree text\n\n<!-- bench:a -->\nold\n<!-- /bench:a -->\n\n<!-- bench:ab -->\nkept\n<!-- /bench:ab -->\n"

    def test_replaced_in_place_and_all_else_kept(self) -> None:
        page = markdown.replace_section(self.PAGE, "a", "\nnew\nlines\n")
        assert page == self.PAGE.replace("old", "new\nlines")

    def test_added_at_the_end(self) -> None:
        page = markdown.replace_section(self.PAGE, "b", "body")
        assert page == self.PAGE + "\n<!-- bench:b -->\nbody\n<!-- /bench:b -->\n"

    def test_replacing_twice_changes_nothing_more(self) -> None:
        once = markdown.replace_section(self.PAGE, "a", "x")
        assert markdown.replace_section(once, "a", "x") == once

    @pytest.mark.parametrize(
        "page",
        [
            "<!-- bench:a -->\nno end",
            "<!-- /bench:a -->\nno start",
            "<!-- /bench:a -->\n<!-- bench:a -->",
            "<!-- bench:a --><!-- /bench:a --><!-- bench:a --><!-- /bench:a -->",
        ],
    )
    def test_broken_markers_are_refused(self, page: str) -> None:
        with pytest.raises(ValueError, match="mend the page"):
            markdown.replace_section(page, "a", "x")

    def test_a_new_page_gets_a_head_and_no_draft_stays(self, tmp_path: Path) -> None:
        file = tmp_path / "docs" / "benchmarks.md"
        markdown.write_section(file, "a", "body")
        assert file.read_text() == f"{markdown.HEADER}\n<!-- bench:a -->\nbody\n<!-- /bench:a -->\n"
        assert [entry.name for entry in file.parent.iterdir()] == ["benchmarks.md"]


class TestMachine:
    def test_cpu_model(self) -> None:
        text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some  CPU @ 2 GHz\n\nmodel name\t: other\n"
        assert cpu_model(text) == "Some CPU @ 2 GHz"
        assert cpu_model("processor\t: 0\nCPU part\t: 0xd0c\n") == ""

    def test_mount_by_device_number(self) -> None:
        mounts = (
            "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
            "30 21 0:27 / /dev/shm rw,nosuid shared:4 - tmpfs tmpfs rw\n"
            "41 21 7:1 / /mnt/x\\040y rw master:1 shared:9 - ext4 /dev/loop1 rw\n"
        )
        assert find_mount(mounts, "0:27") == FileSystem("tmpfs", "tmpfs")
        assert not find_mount(mounts, "254:0").loop
        assert find_mount(mounts, "7:1").describe() == "ext4 on a loop device"
        assert find_mount(mounts, "9:9") == FileSystem("unknown", "")

    def test_a_real_folder_has_a_known_file_system(self) -> None:
        assert file_system(Path("/proc")).kind == "proc"


class TestPlaces:
    def test_a_folder_is_made_and_called_by_its_last_name(self, tmp_path: Path) -> None:
        with place(str(tmp_path / "data")) as opened:
            assert opened.folder.is_dir()
            assert opened.name == "data"
            assert opened.room() > 0
        assert opened.folder.is_dir()

    def test_disk_is_a_folder_here_that_git_does_not_see(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with place("disk") as opened:
            assert opened.folder == tmp_path / ".bench"
        assert (tmp_path / ".bench" / ".gitignore").read_text() == "*\n"

    def test_tmpfs_is_given_back_after_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bench.kit.places.MEMORY", tmp_path)
        with pytest.raises(KeyboardInterrupt), place("tmpfs") as opened:
            (opened.folder / "file").touch()
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []

    def test_tmpfs_is_kept_on_request(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bench.kit.places.MEMORY", tmp_path)
        with place("tmpfs", keep=True) as opened:
            (opened.folder / "file").touch()
        assert (opened.folder / "file").exists()


class TestDispatch:
    def test_each_file_is_a_bench_with_a_description_and_the_kit_is_none(self) -> None:
        found = benches()
        assert {"copy", "memory", "startup"} <= found.keys()
        assert "kit" not in found
        assert all(found.values())

    def test_a_wrong_name_is_a_usage_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["nonesuch"]) == 2
        said = capsys.readouterr().err
        assert all(name in said for name in ["nonesuch", *benches()])
