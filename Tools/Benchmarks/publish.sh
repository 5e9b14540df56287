#!/usr/bin/env bash
# Builds the benchmark program and the native elfload tool of a commit, for 'compare --baseline FOLDER'.
#
#   Tools/Benchmarks/publish.sh COMMIT FOLDER
set -euo pipefail
[[ $# -eq 2 ]] || { echo "usage: $0 COMMIT FOLDER" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
commit=$(git -C "$root" rev-parse --verify "$1^{commit}")
mkdir -p "$2"
folder=$(cd "$2" && pwd)
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
quiet=(-nodeReuse:false -p:UseSharedCompilation=false --verbosity quiet)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet --no-checkout "$root" "$work/source"
git -C "$work/source" checkout --quiet --detach "$commit"
cd "$work/source"
dotnet publish Tools/Benchmarks --configuration Release --output "$folder" "${quiet[@]}"
dotnet publish Tools/elfload --configuration Release --runtime linux-x64 --artifacts-path "$work/build" --output "$work/tool" "${quiet[@]}"
cp "$work/tool/elfload" "$folder/elfload"
echo "$commit" > "$folder/commit"
