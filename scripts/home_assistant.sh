#!/usr/bin/env bash
# What `make home-assistant` needs beside the project's own packages: a release of Home Assistant, in an
# environment of its own inside .tools, with the versions of tests/assistant/requirements.txt.
# Prints the program that starts it.
set -euo pipefail
venv=${1:?usage: home_assistant.sh VENV}
project=$(cd "$(dirname "$0")/.." && pwd)
wanted=$project/tests/assistant/requirements.txt
home=$project/.tools/home-assistant

# Releases that know discovery of whole devices (2024.12 and later) run on 3.12 or 3.13, and not on 3.11,
# which is what this project begins at. pyenv keeps its Pythons where nobody else looks for them.
python() {
    local found
    for found in "$(command -v python3.13)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3.13; do
        if "$found" -c '' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    echo 3.13
}

if [ ! -x "$home/bin/python" ]; then
    # Found nowhere, uv fetches it.
    if ! said=$("$venv/bin/uv" venv --quiet --no-project --python "$(python)" "$home" 2>&1); then
        echo "$said" >&2
        echo "Home Assistant needs Python 3.13, which is not here and could not be fetched; install it, for example: uv python install 3.13" >&2
        exit 1
    fi
fi
if ! cmp -s "$wanted" "$home/.installed"; then
    echo "installing Home Assistant into .tools (once; 109 packages, 700 MB, about a minute)" >&2
    "$venv/bin/uv" pip sync --quiet --python "$home/bin/python" "$wanted" >&2
    cp "$wanted" "$home/.installed"
fi
echo "$home/bin/hass"
