"""The paper's claims: what each asserts of which rows (``claims.yaml``), and a verdict on each from the records."""

from analysis.claims.everywhere import judge_everywhere
from analysis.claims.judgement import Judgement, Verdict
from analysis.claims.ledger import judge

__all__ = ["Judgement", "Verdict", "judge", "judge_everywhere"]
