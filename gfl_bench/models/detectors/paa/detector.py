"""PAA (Kim & Lee, 2020): who learns a ground truth is decided by the losses of those who might."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.paa.reassign import keep_low_losses
from gfl_bench.models.detectors.paa.score_voting import vote
from gfl_bench.models.positives import Positives, gather
from gfl_bench.models.postprocess import Candidates
from gfl_bench.structures import Batch, Detections, HeadOutput, Logits, Probabilities


class PAA(Detector):
    """Two phases of assignment, one score of class and branch that ranks from the start, and score voting."""

    config: schema.PAA

    def match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        """Which of the priors that overlap a ground truth learn it, and the positives among them."""
        priors = self.priors(batch)
        first = self.assigner.assign(priors, batch.instances, batch.padded_sizes)
        with torch.no_grad():
            losses = self.candidate_losses(output, gather(output, priors, batch.instances, first, self.decode))
        assignment = keep_low_losses(first, losses, priors, len(batch.instances), self.config)
        return assignment, gather(output, priors, batch.instances, assignment, self.decode)

    def candidate_losses(self, output: HeadOutput, candidates: Positives) -> Tensor:
        """[K] class and box losses of each candidate as a positive, unweighted."""
        boxes = self.box.losses(candidates.raw, candidates.boxes, candidates.target, candidates.priors)
        return torch.stack([self._class_losses(output, candidates), *boxes.values()]).sum(dim=0)

    def _class_losses(self, output: HeadOutput, candidates: Positives) -> Tensor:
        """[K], of the candidates' own rows of ``output``."""
        cls = Logits(output.cls.flatten(0, 1)[candidates.row][None])
        guide = None if output.guide is None else Probabilities(output.guide.flatten(0, 1)[candidates.row][None])
        row = torch.arange(len(candidates.row), device=cls.device)
        alone = replace(output, cls=cls, guide=guide, aux=None)
        return self.quality.class_losses(alone, replace(candidates, row=row))

    def ranking(self, output: HeadOutput) -> tuple[Probabilities, None]:
        """Scores [B, P, C] for threshold, top-k and NMS: with a branch the geometric mean of the class's and its."""
        scores, factor = super().ranking(output)
        return scores if factor is None else Probabilities((scores * factor).sqrt()), None

    def suppress(self, boxes: Tensor, chosen: Candidates) -> Detections:
        """NMS, then voting by all candidates, among ``boxes`` [M, 4] of an image."""
        found = super().suppress(boxes, chosen)
        return vote(found, boxes, chosen) if self.config.score_voting else found
