"""Expand sources.tsv into the list of files used, with licence and authors of each.

Licences come from the packages' own machine-readable copyright files (per file where
those say so), else from the fallback columns of sources.tsv. A file whose licence is
not on the allow list (no-commercial, no-derivatives, unknown) is left out.
Writes files.tsv (every file, not kept in the repository) and the compact manifest.tsv.
"""

import argparse
import csv
import fnmatch
import gzip
import re
from collections import Counter, defaultdict
from pathlib import Path

ALLOWED = re.compile(
    r"^(L?GPL(-\d[\d.]*\+?)?|GFDL(-NIV)?-1\.[23]\+?|CC0(-1\.0)?|CC-BY(-SA)?(-[34]\.0)?(-us)?|public-domain|MIT|Expat"
    r"|GPL-2\+ with composition exception)$", re.I)
AUDIO = {".ogg", ".wav", ".flac", ".mp3"}


def copyright_paragraphs(root, package):
    """[(patterns, authors, licence)] of a machine-readable copyright file, in order."""
    for name in ("copyright", "copyright.gz"):
        path = root / "usr/share/doc" / package / name
        if path.exists():
            raw = gzip.open(path).read() if name.endswith("gz") else path.read_bytes()
            break
    else:
        return []
    found = []
    for paragraph in re.split(r"\n\s*\n", raw.decode("utf-8", "replace")):
        fields, key = defaultdict(list), None
        for line in paragraph.splitlines():
            if m := re.match(r"([A-Za-z-]+):(.*)", line):
                key = m[1].lower()
                line = m[2]
            if key:
                fields[key].append(line.strip())
        if "files" in fields and "license" in fields:
            authors = " ".join(" ".join(fields["copyright"]).split())
            patterns = " ".join(fields["files"]).split()
            found.append((patterns, authors, fields["license"][0]))
    return found


def matches(path, pattern):
    """Installed paths differ from upstream's: compare by ever shorter tails."""
    pattern = pattern.replace(".h2drumkit", "/*")
    parts = pattern.split("/")
    tails = ["/".join(parts[i:]) for i in range(max(1, len(parts) - 1))]
    return any(fnmatch.fnmatch(path, "*/" + t) for t in tails if t not in {"*", ""} and not t.startswith("*"))


def licence_of(path, paragraphs, fallback):
    """The longest matching pattern decides: the rule "the last one wins" of the format
    holds for upstream's paths, and an installed path may match a stray one."""
    best, length = fallback, 0
    for patterns, authors, licence in paragraphs:
        for pattern in patterns:
            if (pattern == "*" or matches(path, pattern)) and len(pattern) > length:
                best, length = (licence, authors), len(pattern)
    return best


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--sources", default="sources.tsv")
    ap.add_argument("--root", required=True, help="where the packages were unpacked, one folder each")
    ap.add_argument("--files", default="files.tsv")
    ap.add_argument("--manifest", default="manifest.tsv")
    args = ap.parse_args()

    taken, rows, left_out = set(), [], Counter()
    with open(args.sources, newline="") as f:
        for src in csv.DictReader(f, delimiter="\t"):
            root = Path(args.root) / src["package"]
            paragraphs = copyright_paragraphs(root, src["package"])
            fallback = src["licence_if_undeclared"], src["authors_if_undeclared"]
            excluded = [p for p in src["exclude"].split(";") if p]
            for path in sorted(root.glob(src["glob"])):
                if path.suffix not in AUDIO or path in taken or not path.is_file() or path.is_symlink():
                    continue
                if any(fnmatch.fnmatch(str(path), "*" + p) for p in excluded):
                    continue
                rel = str(path.relative_to(root))
                licence, authors = licence_of("/" + rel, paragraphs, fallback)
                if not any(ALLOWED.match(x.strip()) for x in licence.split(" or ")):
                    left_out[src["package"], licence] += 1
                    continue
                taken.add(path)
                rows.append((src["package"], src["class"], src["split"], licence, authors, rel))

    with open(args.files, "w", newline="") as f:
        csv.writer(f, delimiter="\t").writerows([("package", "class", "split", "licence", "authors", "path"), *rows])
    groups = Counter(r[:5] for r in rows)
    with open(args.manifest, "w", newline="") as f:
        w = csv.writer(f, delimiter="\t")
        w.writerow(("package", "class", "split", "licence", "authors", "files"))
        w.writerows((*g, n) for g, n in sorted(groups.items()))
    for (package, licence), n in left_out.items():
        print(f"left out: {package}: {n} files under '{licence}'")
    print(f"{len(rows)} files, {len(groups)} groups")


if __name__ == "__main__":
    main()
