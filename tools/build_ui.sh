#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the pages of ui/ if their sources have changed since the last time.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh
mark=build/ui.mark
sources=$(find ui -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -print |
    LC_ALL=C sort | xargs cat | cksum)
if [ -f ui/meter/dist/index.html ] && [ -f ui/headend/dist/index.html ] &&
    [ "$(cat "$mark" 2>/dev/null)" = "$sources" ]; then
    exit 0
fi
need_node
mkdir -p build
echo "Building the pages" >&2
(
    cd ui
    # Not `npm ci`: npm 11 refuses this lock file (RATIONALE.md). This keeps to it and does
    # not write it.
    npm install --no-save --no-audit --no-fund --loglevel=error
    npm run --silent check
    npm run --silent build
) >build/ui.log 2>&1 || {
    tail -n 40 build/ui.log >&2
    exit 1
}
echo "$sources" >"$mark"
