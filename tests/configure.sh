#!/bin/sh
# configure.sh CMAKE SOURCE: configured a second time, from its own cache, nothing is built otherwise than before.
set -eu
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT
configure() { "$1" -S "$2" -B "$house" -DVIGIA_TESTS=OFF >"$house/said" 2>&1 || { cat "$house/said"; exit 1; }; }
configure "$1" "$2"
cp "$house/compile_commands.json" "$house/first"
configure "$1" "$2"
diff "$house/first" "$house/compile_commands.json" | head -n 4 | cut -c 1-400 >"$house/differs"
[ ! -s "$house/differs" ] || { cat "$house/differs"; exit 1; }
