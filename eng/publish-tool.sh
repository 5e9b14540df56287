#!/usr/bin/env bash
# Compiles the elfload tool to native code, as artifacts/native-tool/elfload. Does nothing where that is newer than its sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=artifacts/native-tool

if [[ -x $folder/elfload ]]; then
    sources=(Tools/elfload Tools/Inspection Loader Relocations Arch.X64 Arch.Arm Memory Directory.Build.props Directory.Packages.props)
    changed=$(find "${sources[@]}" \( -name bin -o -name obj \) -prune -o -type f -newer $folder/elfload -print -quit)
    [[ -n $changed ]] || exit 0
fi

dotnet publish Tools/elfload --configuration Release --runtime linux-x64 --artifacts-path $folder/build --output $folder \
    -nodeReuse:false -p:UseSharedCompilation=false --verbosity quiet
touch $folder/elfload
