# Makes a virtual environment for this clone.  Sourced by ./pn and ./check; POSIX sh.
#
#   bootstrap ROOT VENV STAMP [EXTRA] || exit
#
# installs the clone, editable, into ROOT/VENV (with the extra EXTRA) unless VENV/.STAMP-stamp says that
# this has been done since pyproject.toml last changed.  The stamp is written last and the work is done
# under a lock, so that a bootstrap which was interrupted is never taken for whole and two first calls
# build once.  What goes wrong is one line on stderr, `pn: what: what to do`, and exit code 69.

bootstrap_fail() {
    printf 'pn: %s\n' "$1" >&2
    exit 69
}

# Prints the real path of the first Python >= 3.11 that can make virtual environments.
bootstrap_python() {
    bare=
    set -- python3 python3.14 python3.13 python3.12 python3.11
    [ -n "${PN_PYTHON-}" ] && set -- "$PN_PYTHON"
    for name in "$@"; do
        found=$("$name" -c '
import sys
if sys.version_info >= (3, 11):
    import os
    try:
        import ensurepip, venv
    except ImportError:
        print("bare", sys.executable)
    else:
        print("whole", os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable))
' 2>/dev/null) || continue
        case $found in
            whole*) printf '%s\n' "${found#whole }" && return ;;
            bare*) bare=${bare:-${found#bare }} ;;
        esac
    done
    if [ -n "$bare" ]; then
        bootstrap_fail "$bare has no venv module: install it (Debian and Ubuntu: apt install python3-venv) or name another Python in PN_PYTHON"
    elif [ -n "${PN_PYTHON-}" ]; then
        bootstrap_fail "PN_PYTHON=$PN_PYTHON is not a Python >= 3.11: name one that is, or unset it"
    fi
    bootstrap_fail 'no Python >= 3.11 found: install python3, or name one in PN_PYTHON'
}

# Is ROOT/VENV whole and of this place?   bootstrap_done ROOT VENV STAMP
bootstrap_done() {
    [ "$1/$2/.$3-stamp" -nt "$1/pyproject.toml" ] && [ -x "$1/$2/bin/python" ] &&
        read -r built <"$1/$2/.$3-stamp" && [ "$built" -ef "$1" ]
}

# In a subshell, so that neither the lock nor the variables outlive it.
bootstrap() (
    root=$(cd -- "$1" && pwd -P) || exit
    venv=$root/$2 stamp=$3 extra=${4-}
    bootstrap_done "$root" "$2" "$stamp" && exit 0

    [ "$(uname -s)" = Linux ] || bootstrap_fail "this is $(uname -s): procession runs on Linux only"
    [ -w "$root" ] || bootstrap_fail "cannot write to $root: clone the repository to a folder of your own"
    python=$(bootstrap_python) || exit

    # The kernel lets go of the lock when its last holder ends, whatever it dies of.
    exec 9>"$venv.lock"
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' ||
        bootstrap_fail "cannot lock $venv.lock: put the clone on a file system that can lock"
    bootstrap_done "$root" "$2" "$stamp" && exit 0

    if ! { [ -x "$venv/bin/python" ] && read -r built <"$venv/.venv-stamp" && [ "$built" -ef "$root" ]; } 2>/dev/null
    then
        # None yet, half of one, one whose Python has gone, or one made elsewhere: begin anew.
        printf 'pn: making %s, once\n' "$venv" >&2
        rm -rf -- "$venv"
        said=$("$python" -m venv -- "$venv" 2>&1) ||
            bootstrap_fail "no virtual environment in $venv: $(printf '%s' "$said" | tail -n 1)"
        printf '%s\n' "$root" >"$venv/.venv-stamp"
    fi

    log=$venv/install.log
    (cd -- "$root" && "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
        --editable ".${extra:+[$extra]}") >"$log" 2>&1 ||
        bootstrap_fail "pip could not install procession ($(bootstrap_last "$log")): is there a network? All of it is in $log"
    # The launcher of an older pip imports re, 7 of the 18 ms that `pn --version` takes, to strip an .exe.
    sed -i -e '/^import re$/d' -e '/re\.sub(/d' -- "$venv/bin/pn"
    "$venv/bin/python" -m compileall -q "$root/src" >/dev/null 2>&1

    for name in pn $stamp; do
        printf '%s\n' "$root" >"$venv/.$name-stamp.new"
        # Where the file system counts in whole seconds, or pyproject.toml has a date in the future.
        [ "$venv/.$name-stamp.new" -nt "$root/pyproject.toml" ] ||
            touch -d "@$(($(stat -c %Y -- "$root/pyproject.toml") + 1))" -- "$venv/.$name-stamp.new"
        mv -f -- "$venv/.$name-stamp.new" "$venv/.$name-stamp"
    done
)

# pip's own last word.
bootstrap_last() {
    { sed -n 's/^ *ERROR: *//p' "$1" | grep . || cat "$1"; } | tail -n 1
}
