"""COMMAND and its places: what is put where, and that no value is ever taken apart by the shell."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from procession.commands.templates import PLACES, is_line, parse, value

# Any bytes a path may have, as Python holds them.
NAMES = st.binary(min_size=1, max_size=20).map(lambda data: os.fsdecode(data.replace(b"\0", b"0")))
NASTY = st.one_of(NAMES, st.text("'\"\\$`(){};&|<>!*?~# \n\tab-/.", min_size=1, max_size=12))


def argv(*command: str, given: tuple[str, ...] = ("a b",), number: int = 1) -> tuple[str, ...]:
    return parse(command).argv(given, number)


@pytest.mark.parametrize(
    ("place", "text", "becomes"),
    [
        ("{}", "photos/a.tar.gz", "photos/a.tar.gz"),
        ("{.}", "photos/a.tar.gz", "photos/a.tar"),
        ("{/}", "photos/a.tar.gz", "a.tar.gz"),
        ("{/.}", "photos/a.tar.gz", "a.tar"),
        ("{//}", "photos/a.tar.gz", "photos"),
        ("{#}", "photos/a.tar.gz", "7"),
        ("{.}", "photos.d/a", "photos.d/a"),
        ("{.}", ".bashrc", ".bashrc"),
        ("{/}", "photos/", "photos"),
        ("{//}", "photos/old/", "photos"),
        ("{//}", "a", "."),
        ("{//}", "/a", "/"),
        ("{/}", "/", "/"),
        ("{//}", "/", "/"),
        ("{/}", "", ""),
    ],
)
def test_places(place: str, text: str, becomes: str) -> None:
    assert value(place, text, 7) == becomes


def test_one_word_with_work_for_a_shell_is_a_line() -> None:
    assert argv("convert {} {.}.png", given=("a b.jpg",)) == (
        "/bin/sh",
        "-c",
        "convert 'a b.jpg' 'a b'.png",
    )
    assert argv("wc -l", given=("it's",)) == ("/bin/sh", "-c", "wc -l 'it'\"'\"'s'")
    assert argv("echo $HOME > {#}.txt", number=3) == ("/bin/sh", "-c", "echo $HOME > 3.txt")


def test_a_bare_name_and_several_words_need_no_shell() -> None:
    assert argv("gzip") == ("gzip", "a b")
    assert argv("./run{}", given=("x",)) == ("./runx",)
    assert argv("grep", "-c", "a|b $HOME") == ("grep", "-c", "a|b $HOME", "a b")
    assert argv("cp", "{}", "{/.}.{#}", given=("d/x.c",)) == ("cp", "d/x.c", "x.1")


def test_several_inputs_for_one_command() -> None:
    assert argv("tar", "cf", "{#}.tar", "-i{}", "--", "{}", given=("a", "b c"), number=2) == (
        ("tar", "cf", "2.tar", "-ia", "-ib c", "--", "a", "b c")
    )
    assert argv("ls -l {} | wc", given=("a", "b c"))[2] == "ls -l a 'b c' | wc"
    assert argv("echo", given=("a", "b")) == ("echo", "a", "b")


def test_other_braces_stay() -> None:
    assert argv("awk", "{print $1} {x} {", "{}") == ("awk", "{print $1} {x} {", "a b")
    assert argv("echo ${HOME} {a,b}")[2] == "echo ${HOME} {a,b} 'a b'"


@settings(max_examples=60, deadline=None)
@given(NASTY, st.sampled_from([place for place in PLACES if place != "{#}"]))
@example("$(echo no)", "{}")
@example("`echo no`", "{}")
@example("'; echo no; '", "{}")
def test_the_shell_hands_on_what_it_was_given(text: str, place: str) -> None:
    for line in (f"printf %s {place}", f'printf %s $(: {place})"$(printf %s x{place})" | cut -c2-'):
        words = parse([line]).argv((text,), 1)
        done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
        found = done.stdout.removesuffix(b"\n") if "|" in line else done.stdout
        if "|" not in line:
            assert found == os.fsencode(value(place, text, 1))
        elif "\n" not in text:
            assert os.fsdecode(found).rstrip("\n") == value(place, text, 1)


@settings(max_examples=200)
@given(st.lists(NASTY, min_size=1, max_size=3), NASTY)
def test_what_is_shown_can_be_pasted(command: list[str], text: str) -> None:
    template = parse(["x", *command])
    assert tuple(shlex.split(template.shown((text,), 5))) == template.argv((text,), 5)


@given(st.text("ab{}/.#", max_size=12))
def test_a_word_is_its_pieces(word: str) -> None:
    template = parse(["x", word, "{}"])
    assert "".join(template.words[1]) == word


@pytest.mark.parametrize(
    "line",
    [
        "echo '{}'",
        'echo "{}"',
        'echo "a $(ls) {}"',
        "echo `ls {}`",
        'echo "`ls {}`"',
        "echo $'it\\'s {}'",
        "cat <<X\n{}\nX",
        "sh -c 'echo {/}'",
        'echo "$(echo ")" {} ")")" "{.}"',
    ],
)
def test_a_place_inside_quotes_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="stands inside"):
        parse([line])


@pytest.mark.parametrize(
    "line",
    [
        "echo \"a\" {} 'b' {}",
        'echo "$(basename {})"',
        'echo "$(echo "$((1+(2)))" {})" {}',
        "echo \\' {} \\\" {}",
        "echo '{#}'",
        "echo $(ls) {} (x)",
    ],
)
def test_a_place_among_plain_words_is_not(line: str) -> None:
    assert parse([line]).line


@given(st.text("ab {}'\"", max_size=10))
def test_lines_are_told_from_names(word: str) -> None:
    assert is_line(word) == any(char in " {}'\"" for char in word.replace("{}", ""))
