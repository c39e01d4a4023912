"""The evidence of an evaluation says what the detector said, row for row, whatever the detector."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from observed import a_batch, observed, saved, seen
from run_folder import CONFIG, a_result
from scipy.stats import rv_discrete
from standin import StandIn, batches_from
from test_every_detector import GFOCAL, OWN, built

from analysis.evidence import load_evidence
from gfl_bench.config.schema import Precision
from gfl_bench.evaluate.detections import to_coco
from gfl_bench.evaluate.inference import infer
from gfl_bench.evaluate.quality import correlation
from gfl_bench.models.assigners.assignment import NEGATIVE
from gfl_bench.models.box import Dirac, Gaussian, General
from gfl_bench.models.detector import Detector
from gfl_bench.results.record import RunFolder
from gfl_bench.structures import Batch, Detections, HeadOutput

every_detector = pytest.mark.parametrize(("name", "parts"), [(n, p) for n in OWN for p in (OWN[n], GFOCAL)])


def test_every_observer_sees_each_batch_once_with_its_own_detections() -> None:
    class Noting:
        def __init__(self) -> None:
            self.seen: list[tuple[list[int], list[dict[str, Any]]]] = []

        def see(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> None:
            rows = [to_coco(one, number, [3, 5, 8]) for one, number in zip(found, batch.image_ids, strict=True)]
            assert len(output.cls) == len(batch.image_ids) and not output.cls.requires_grad
            self.seen.append((batch.image_ids, [row for one in rows for row in one]))

    batches, observers = list(batches_from(0, 3, 4)), [Noting(), Noting()]
    found = infer(
        StandIn(), batches, device=torch.device("cpu"), precision=Precision.fp32, category_ids=[3, 5, 8],
        observers=observers,
    )
    for observer in observers:
        assert [ids for ids, _ in observer.seen] == [batch.image_ids for batch in batches]
        assert [row for _, rows in observer.seen for row in rows] == found


def test_entropy_and_variance_of_a_distribution_are_scipys_and_the_largest_are_averaged() -> None:
    box, generator = General(2.0, n=16, delta=0.5), torch.Generator().manual_seed(0)
    raw = torch.randn(5, 4, 17, generator=generator, dtype=torch.float64) * 3
    told, probabilities = box.spread(raw), raw.softmax(-1).numpy()
    for side in np.ndindex(5, 4):
        p = probabilities[side]
        theirs = rv_discrete(values=(np.arange(17), p / p.sum()))
        wanted = [theirs.entropy(), theirs.var() * 0.5**2, p.max(), np.sort(p)[-4:].mean()]
        found = [float(told[name][side]) for name in ("entropy", "variance", "top1", "topkm")]
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_a_gaussian_tells_its_variance_and_a_number_nothing() -> None:
    raw = torch.tensor([[[0.0, math.log(0.25)]] * 4])
    torch.testing.assert_close(Gaussian(2.0, smooth=False).spread(raw), {"variance": torch.full((1, 4), 0.25)})
    assert isinstance(dirac := built("atss", OWN["atss"]).box, Dirac) and dirac.spread(raw[..., :1]) == {}


@pytest.mark.slow
@every_detector
def test_rows_are_the_positives_and_pairs_those_of_table_10(name: str, parts: str, tmp_path: Path) -> None:
    detector = built(name, parts)
    both = [seen(detector, a_batch(seed)) for seed in (0, 1)]
    arrays = saved(tmp_path, both)
    image, owner = arrays["positive_image"], arrays["positive_object"]
    pairs = [detector.quality_pairs(one.output, one.batch) for one in both]
    np.testing.assert_array_equal(arrays["positive_predicted"], torch.cat([one.predicted for one in pairs]))
    np.testing.assert_array_equal(arrays["positive_iou"], torch.cat([one.iou for one in pairs]))
    assert arrays["image_id"].tolist() == [1, 2, 11, 12]
    assert len(owner) > 8 and (np.diff(image) >= 0).all()
    objects = np.repeat([0, 1, 2, 3], [3, 2, 3, 2])  # the image of each object
    np.testing.assert_array_equal(objects[owner], image)
    target = torch.cat([one.batch.instances.boxes for one in both]).numpy()[owner]
    reach = arrays["side_target"].astype(float) * arrays["positive_stride"][:, None]
    np.testing.assert_allclose(reach[:, :2] + reach[:, 2:], target[:, 2:] - target[:, :2], atol=0.2)
    sigma = torch.cat([one.batch.instances.sigma for one in both if one.batch.instances.sigma is not None])
    np.testing.assert_array_equal(arrays["side_sigma"], sigma.numpy()[owner])
    told = {key for key in arrays if key.startswith("side_")} - {"side_target", "side_sigma"}
    general = {"side_entropy", "side_top1", "side_topkm", "side_variance"}
    assert told == (general if "box=general_dfl" in parts else set())
    assert arrays["target_histogram"].sum() == 4 * len(owner)


@pytest.mark.slow
@every_detector
def test_histograms_count_the_negative_locations_and_no_other(name: str, parts: str, tmp_path: Path) -> None:
    one = seen(built(name, parts), a_batch(0))
    arrays = saved(tmp_path, [one])
    negative = (one.matched[0].gt_index == NEGATIVE).flatten()
    assert arrays["background_quality"].sum() == arrays["background_score"].sum() == negative.sum() > 0
    counts, _ = np.histogram(one.quality[negative].amax(dim=1).double().numpy(), bins=100, range=(0, 1))
    assert np.abs(arrays["background_quality"] - counts).sum() <= 2  # float32 may round to a bin's other side


def test_correlation_of_the_file_is_that_of_the_run_and_nothing_in_it_is_pickled(tmp_path: Path) -> None:
    evidence = observed([seen(built("vfnet", GFOCAL), a_batch(0))])
    evidence.save(tmp_path / "evidence.npz")
    with np.load(tmp_path / "evidence.npz", allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "iuf" for name in file.files)
        r = np.corrcoef(file["positive_predicted"].astype(float), file["positive_iou"].astype(float))[0, 1]
    assert correlation(evidence.pairs)["pearson"] == pytest.approx(r, abs=1e-12)
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.npz"]


def test_evidence_that_is_missing_cut_or_foreign_is_none_and_named(tmp_path: Path) -> None:
    saved(tmp_path, [seen(built("atss", GFOCAL), a_batch(0))])
    path = tmp_path / "evidence.npz"
    whole = path.read_bytes()
    damaged = whole[: len(whole) // 3] + bytes(200) + whole[len(whole) // 3 + 200 :]
    buffer = io.BytesIO()
    np.savez(buffer, image_id=np.arange(3))
    for content in (b"", b"{}", whole[:1000], whole[:-30], damaged, buffer.getvalue(), None):
        path.unlink() if content is None else path.write_bytes(content)
        warnings: list[str] = []
        assert load_evidence(tmp_path, warnings) is None
        assert len(warnings) == 1 and warnings[0].startswith(str(path)) and "mode=evaluate" in warnings[0]


def test_a_record_from_before_displacements_were_counted_is_read(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.finish(a_result())
    path = folder.path / "result.json"
    older = {key: value for key, value in json.loads(path.read_text()).items() if key != "displacement"}
    path.write_text(json.dumps(older))
    assert folder.result() == older
