"""Detection in crowds as CrowdDet's evaluation (Chu et al., 2020) measures it: MR^-2, AP and JI of persons' full boxes.

Of every image the boxes are cut to the image, and a detection that lies by more than half in an ignored region counts
for nothing unless it finds a person.
"""

from gfl_bench.evaluate.crowdhuman.evaluation import COLUMNS, Measured, evaluate, measure

__all__ = ["COLUMNS", "Measured", "evaluate", "measure"]
