"""The command line: see ci/mutate."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from .mutants import Mutant, Place, make, places
from .trial import Modules, prepare, survives

ROOT = Path(__file__).resolve().parent.parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
LIMIT = 0.03


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    modules = Modules(ROOT)
    prepare()
    paths = [path.resolve().relative_to(ROOT) for path in given.files] or list(modules.names)
    every = [place for path in paths if modules.checks_of(path) for place in places(path, ROOT)]
    chosen = every if given.all else random.Random(given.seed).sample(every, min(given.sample, len(every)))
    print(f"{len(chosen)} of {len(every)} mutants, seed {given.seed}", flush=True)
    broken = [path for path in sorted({place.path for place in chosen}) if not survives(modules, path, None)]
    if broken:
        print(f"their cases fail as they are: {', '.join(map(str, broken))}", file=sys.stderr)
        return 2
    return _report(_survivors(modules, chosen, given.jobs), len(chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ci/mutate", description="Break the rules under checks/, one at a time.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="only these files (default: all)")
    parser.add_argument("--sample", type=int, default=240, help="how many mutants to try (default: 240)")
    parser.add_argument("--all", action="store_true", help="try every mutant")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="which ones (default: others)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    return parser


def _survivors(modules: Modules, chosen: Sequence[Place], jobs: int) -> list[Mutant]:
    def attempt(place: Place) -> Mutant | None:
        mutant = make(place, ROOT)
        return mutant if survives(modules, place.path, mutant.tree) else None

    with ThreadPoolExecutor(jobs) as pool:
        found = [mutant for mutant in pool.map(attempt, chosen) if mutant is not None]
    return sorted(found, key=lambda mutant: (mutant.path, mutant.line, mutant.after))


def _report(survivors: Sequence[Mutant], tried: int) -> int:
    known = {
        tuple(entry[key] for key in ("file", "line", "before", "after")): entry["why"]
        for entry in yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or ()
    }
    real = [mutant for mutant in survivors if mutant.key not in known]
    for mutant in survivors:
        print(f"{mutant.path}:{mutant.line}: {mutant.source}")
        print(f"    {mutant.before}  →  {mutant.after}")
        if mutant.key in known:
            print(f"    equivalent: {known[mutant.key]}")
    share = len(real) / max(1, tried - (len(survivors) - len(real)))
    print(
        f"{len(real)} of {tried} survived ({share:.1%}, at most {LIMIT:.0%}), {len(survivors) - len(real)} equivalent"
    )
    return 1 if share > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
