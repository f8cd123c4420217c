#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Brings the source of Debian's bearssl package into a folder, for builds for the target. The
# system's package lists are read, not changed. usage: fetch_bearssl.sh FOLDER
set -eu
folder=$1
[ -f "$folder/source/inc/bearssl.h" ] && exit 0
mkdir -p "$folder/lists/partial"
folder=$(cd "$folder" && pwd)
{
    cat /etc/apt/sources.list 2>/dev/null || true
    cat /etc/apt/sources.list.d/*.list 2>/dev/null || true
} | sed -n 's/^deb \(.* main.*\)$/deb-src \1/p' >"$folder/sources.list"
: >"$folder/sources.sources"
for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    sed 's/^Types:.*/Types: deb-src/' "$file" >>"$folder/sources.sources"
    echo >>"$folder/sources.sources"
done
mkdir -p "$folder/parts"
cp "$folder/sources.list" "$folder/parts/source.list"
[ -s "$folder/sources.sources" ] && cp "$folder/sources.sources" "$folder/parts/source.sources"
cd "$folder"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$folder/parts" \
        -o Dir::State::lists="$folder/lists" -o APT::Sandbox::User=root "$@"
}
apt update
apt source bearssl
rm -rf source
mv bearssl-*/ source
