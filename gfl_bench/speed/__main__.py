"""Speed of the cells of a table, timed in turns so that their ratios hold: ``python -m gfl_bench.speed``.

  python -m gfl_bench.speed sweep=table12                      every row of a table at scale demo
  python -m gfl_bench.speed sweep=table12 cell=fcos,fcos_gfocal baseline=fcos
  python -m gfl_bench.speed cell=table12.atss,table13.paa stage=model,detect rounds=50
  python -m gfl_bench.speed sweep=table12 scale=paper size=800x1216     without COCO: made pictures, 80 classes
  python -m gfl_bench.speed sweep=table13 stage=detect,train        training steps too, one batch each
  python -m gfl_bench.speed sweep=table15 scale=paper runtime=ncnn rounds=12    networks alone, a process each turn

stage=       model, detect (and post-processing, the paper's), end_to_end, train (a training step); the first three
rounds=      how often each cell has its turn; 30
images=      of the validation split, shared out over the rounds; 20
candidates=  scores of each image that pass the threshold; 1000. null: those that pass the configured threshold
weights=     trained: of finished runs in paths.runs; random; auto: trained where every cell has a run; auto
size=        HEIGHTxWIDTH of made pictures instead of the scale's data
baseline=    the cell that is 1; the table's own
runtime=     torch; ncnn: exported, random weights, one thread; of the keys above rounds, size and baseline hold
passes=      of each process of ncnn; 20
compile=     true: by torch.compile; false
cudnn_benchmark=  true: cuDNN tries its algorithms; false

Everything else is an option of a run, for all cells: scale=, precision=, backbone=, machine.device=, paths.runs=DIR.
The record goes to DIR/speed/. How it is timed: docs/speed_protocol.md.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from gfl_bench.command_line import one_sentence
from gfl_bench.config.compose import compose_config, register_options
from gfl_bench.config.paths import expand
from gfl_bench.results.speed_records import write_session
from gfl_bench.speed.ncnn_report import ncnn_report
from gfl_bench.speed.ncnn_session import run_ncnn_session
from gfl_bench.speed.options import chosen, parse
from gfl_bench.speed.report import report
from gfl_bench.speed.session import run_session

_RUNTIMES = {"torch": (run_session, report), "ncnn": (run_ncnn_session, ncnn_report)}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with one sentence where something is wrong with it."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if {"--help", "-h"} & set(arguments):
        print(__doc__)
        return
    with one_sentence(lambda why: f"the record cannot be written ({why}): choose another folder with paths.runs=DIR"):
        _main(arguments)


def _main(arguments: Sequence[str]) -> None:
    options, tables = parse(arguments), register_options()
    rows = chosen(options, tables)
    runs = expand(compose_config([f"cell={next(iter(rows))}", *options.overrides]).paths.runs)
    run, tell = _RUNTIMES[options.runtime]
    session = run(options, rows, shlex.join(["python", "-m", "gfl_bench.speed", *arguments]))
    path = write_session(session, runs)
    print(tell(session, rows, tables))
    print(f"\n{path}")


if __name__ == "__main__":
    main()
