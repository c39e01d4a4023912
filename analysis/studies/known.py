"""The studies of the report."""

from __future__ import annotations

from analysis.studies import quality
from analysis.studies.ambiguity import CONTROLS, SPREADS
from analysis.studies.study import Study

STUDIES = (
    Study(
        name="quality",
        title="Predicted quality and real IoU",
        caption=(
            "Of all positive locations, mean ± 95 % half-width over n seeds. Within one run: half-widths of Pearson's "
            "95 % intervals by Fisher's transformation, which takes positives as independent, and by a bootstrap of "
            "whole objects, which does not; Spearman's correlation of ranks; expected calibration error in bins of "
            "equal width, and of equal count. Table 10 and its kin."
        ),
        cells={
            "table11.atss": "ATSS, branch",
            "table11.dfl": "ATSS, branch, with DFL",
            "table10.fcos_joint": "FCOS, joint",
            "table10.atss_joint": "ATSS, joint",
            "table10.gfocal_without_dgqp": "GFocal without DGQP",
            "table10.gfocal_with_dgqp": "GFocal with DGQP",
        },
        columns=quality.COLUMNS,
    ),
    Study(
        name="ambiguity",
        title="Ambiguity, known",
        caption=(
            "Generated scenes know how uncertain each edge is (sigma). Spearman's correlation with it of the spread of "
            "the predicted distribution of each side of all positive locations, within pyramid levels; signed so that "
            "1 says: the more ambiguous, the less sure. Mean ± 95 % half-width over n seeds. Controls: a Gaussian's "
            "variance; of every location its predicted quality and its real IoU, against the mean sigma of its sides."
        ),
        cells={
            "table11.atss": "Dirac delta (ATSS)",
            "table11.qfl": "Dirac delta, QFL",
            "table06.atss_gaussian": "Gaussian (ATSS)",
            "table11.dfl": "General, DFL (ATSS)",
            "table11.qfl_dfl": "General, QFL + DFL",
            "table11.gfocal": "GFocal",
        },
        columns=(*SPREADS, *CONTROLS),
    ),
)
