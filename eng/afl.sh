#!/usr/bin/env bash
# Fuzzes reading, loading and linking with AFL++ and SharpFuzz.
#
#   eng/afl.sh [SECONDS [FOLDER]]
#
# SECONDS: how long, 600 without. FOLDER keeps the tool, the seeds and AFL's findings; artifacts/afl without. A run goes on where the
# last one in that folder stopped. The seeds are the small fixtures. The status is 1 if an input crashed or hung the target: each is in
# FOLDER/out/default/crashes or hangs, and `dotnet run --project Tools/Fuzz -- check FILE` repeats it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-600}
mkdir -p "${2:-artifacts/afl}"
folder=$(cd "${2:-artifacts/afl}" && pwd)
command -v afl-fuzz > /dev/null || apt-get install --yes --quiet afl++ > /dev/null
[[ -x $folder/tools/sharpfuzz ]] || dotnet tool install --tool-path "$folder/tools" SharpFuzz.CommandLine --version 2.3.0

rm -rf "$folder/target"
dotnet build Tools/AflTarget --configuration Release --output "$folder/target" --verbosity quiet -nodeReuse:false
for assembly in "$folder"/target/ElfLoader.*.dll; do
    "$folder/tools/sharpfuzz" "$assembly"
done

mkdir -p "$folder/seeds"
find fixtures \( -name '*.o' -o -name '*.a' \) -size -4k -exec cp --update {} "$folder/seeds" \;
seeds=$folder/seeds
[[ -d $folder/out/default/queue ]] && seeds=-
export AFL_SKIP_BIN_CHECK=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1
afl-fuzz -i "$seeds" -o "$folder/out" -t 20000 -m none -V "$seconds" -- "$(command -v dotnet)" "$folder/target/afl-target.dll" > "$folder/log"
grep -E '^(run_time|execs_done|corpus_count|edges_found|saved_crashes|saved_hangs) ' "$folder/out/default/fuzzer_stats"
grep -qE '^saved_crashes +: 0$' "$folder/out/default/fuzzer_stats" && grep -qE '^saved_hangs +: 0$' "$folder/out/default/fuzzer_stats"
