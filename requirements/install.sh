#!/bin/sh
# Makes .venv and installs requirements/<set>.txt and this project into it; does nothing where that is done already.
# Usage: requirements/install.sh demo|dev
set -eu
cd "$(dirname "$0")/.."
set_name=$1
venv=.venv

say() { printf '%s\n' "$*" >&2; }

supported() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if supported "$name"; then
            printf '%s' "$name"
            return
        fi
    done
    say "Understudy needs Python 3.11 or later, and found none under the names python3.13, python3.12, python3.11, python3."
    say "Install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python $set_name"
    exit 1
}

make_venv() {
    python=$(find_python)
    say "Making $venv with $("$python" --version)"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        say "$python cannot make a virtual environment: its venv module is missing (Debian: apt-get install python3-venv)."
        exit 1
    fi
}

# The stamp of a set is a copy of what was installed: equal means that there is nothing to do.
wanted() { cat "requirements/$1.txt" pyproject.toml; }
installed() { wanted "$1" | cmp -s - "$venv/.installed-$1"; }

supported "$venv/bin/python" || make_venv
if installed "$set_name" || { [ "$set_name" = demo ] && installed dev; }; then
    exit 0
fi
say "Installing requirements/$set_name.txt into $venv"
# Bytecode is made as it is needed, which is quicker than all at once; but not where Python may not write it then.
when=--no-compile
[ -z "${PYTHONDONTWRITEBYTECODE:-}" ] || when=--compile
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet install $when"
$pip --require-hashes -r "requirements/$set_name.txt"
$pip --no-deps --no-build-isolation -e .
wanted "$set_name" > "$venv/.installed-$set_name"
