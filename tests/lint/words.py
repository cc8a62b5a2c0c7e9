"""No promise of later work, no path of one machine, in any text file."""

import re
import sys
from pathlib import Path

from tree import ROOT, files

LARGEST = 2 << 20  # bytes; larger files are data

# Brackets keep these patterns from matching themselves.
WORDS = [
    (r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b", "finish it, or say in the notes why not"),
    (r"(?<![\w.])/(?:wor[k]|roo[t])/", "a path that only one machine has"),
    (
        r"(?i)\b(?:sub-?|coding |session |AI )agent[s]?\b",
        "how the text was made is no part of it",
    ),
]
PATTERNS = [(re.compile(pattern), why) for pattern, why in WORDS]


def faults_of(root: Path) -> list[str]:
    faults = []
    for path in files(root):
        if path.is_symlink() or path.stat().st_size > LARGEST:
            continue
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
            for pattern, why in PATTERNS:
                if match := pattern.search(line):
                    faults.append(
                        f"{path.relative_to(root).as_posix()}:{number}: {match[0]}: {why}"
                    )
    return faults


def main() -> int:
    faults = faults_of(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    for fault in faults:
        print(fault)
    print(f"words: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
