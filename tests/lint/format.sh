#!/usr/bin/env bash
# clang-format over every C++ file: format.sh --check [ROOT] fails on one that differs, format.sh
# --fix [ROOT] rewrites it.
set -euo pipefail
mode=${1:---check}
cd "${2:-$(dirname "${BASH_SOURCE[0]}")/../..}"

case "$mode" in
  --check) arguments=(--dry-run -Werror) ;;
  --fix) arguments=(-i) ;;
  *) echo "format.sh: --check or --fix, not '$mode'" >&2; exit 2 ;;
esac

folders=()
for folder in engine server clients tests; do
  [ ! -d "$folder" ] || folders+=("$folder")
done
[ ${#folders[@]} -gt 0 ] || exit 0
find "${folders[@]}" \( -name build -o -name node_modules -o -name '.?*' \) -prune -o \
  -type f \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0 -r clang-format-19 "${arguments[@]}"
