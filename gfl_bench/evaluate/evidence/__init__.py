"""What an evaluation saw, kept in ``evidence.npz`` beside the result: figures and statistics are drawn from it.

Numpy arrays without pickles; a key is absent where model or data have no such thing. K positive locations (those that
Table 10 correlates), in the order of evaluation; I images; sides l, t, r, b.

==========================  ==========================================================================================
positive_image              [K] int32, index into ``image_id`` [I] int64
positive_object             [K] int32, running number of the ground truth, crowds and boxes left out not counted
positive_predicted, _iou    [K] float32, the two numbers that Table 10 correlates
positive_class_score        [K] float16, at the ground truth's class, before any factor of guidance or branch
positive_stride             [K] float16, pixels of the network's image
side_target                 [K, 4] float16, strides from the location (of several priors a cell: their centre)
side_entropy, _top1, _topkm [K, 4] float16, of a General Distribution; see ``General.spread``
side_variance               [K, 4] float16, strides^2, of a General Distribution or a Gaussian
side_sigma                  [K, 4] float16, the true ambiguity in pixels of the network's image; see ``Instances``
background_quality, _score  [100] int64, histograms over [0, 1] at negative locations, see ``background``
target_histogram            [129] int64, see ``targets``
example_*, detection_*,     the first 8 images, their detections and up to 300 candidates each, see ``examples``
candidate_*
<kind>_truth_*              their ground truths, for the kinds example, flat and sharp, see ``pictures``
flat_*, sharp_*             detections of the flattest and of the sharpest sides, see ``extremes``
==========================  ==========================================================================================

What is told of a side is what the head predicts: VFNet's initial box, BorderDet's first one, and RepPoints' before its
corners are moved.
"""

from gfl_bench.evaluate.evidence.evidence import Evidence

__all__ = ["Evidence"]
