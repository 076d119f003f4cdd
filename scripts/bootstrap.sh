#!/usr/bin/env bash
# Make the project's own environment: a virtual environment, uv inside it, and what uv.lock says.
set -euo pipefail
venv=${1:?usage: bootstrap.sh VENV}

python=""
for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "zodra needs Python 3.11 or newer; found $(python3 --version 2>&1). Install it, for example: apt-get install python3.11 python3.11-venv" >&2
    exit 1
fi

if [ ! -x "$venv/bin/python" ]; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq python3-venv >/dev/null 2>&1
        else
            echo "Python's venv module is not installed. As root: apt-get install python3-venv" >&2
            exit 1
        fi
    fi
    echo "setting up $venv (once; about a minute)"
    "$python" -m venv "$venv"
fi
if [ ! -x "$venv/bin/uv" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv>=0.13.9,<0.14"
fi
# An active environment of the caller's must not be the one that is filled.
env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT="$venv" "$venv/bin/uv" sync --locked --quiet --inexact --python "$venv/bin/python"
