"""Progress is a bar on a terminal and one log line an interval elsewhere."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from standin import StandIn, batches_from, config

from gfl_bench.engine.meter import describe
from gfl_bench.engine.progress import LoggedProgress, TerminalProgress, progress_view
from gfl_bench.engine.trainer import Trainer

RECORD = {
    "step": 200, "lr": 0.02, "loss": 1.5, "loss_cls": 0.9, "loss_box": 0.6, "images_per_second": 100.0, "seconds": 31.0
}


def test_training_away_from_a_terminal_logs_one_line_an_interval(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = Trainer(
        StandIn(), config(), steps_per_epoch=1, device=torch.device("cpu"), run="aaaa",
        checkpoint=tmp_path / "checkpoint.pt", record=lambda record: None,
    )
    with caplog.at_level(logging.INFO):
        trainer.train(batches_from(0, 12))
    lines = [message for message in caplog.messages if message.startswith("training")]
    assert [line.split()[1] for line in lines] == ["4/12", "8/12", "12/12"]
    assert all("images/s" in line and "cls" in line and "box" in line for line in lines)


def test_line_says_rate_terms_speed_and_the_time_left() -> None:
    line = describe(RECORD, steps=600, images_per_step=16)
    assert line == "lr 0.02  loss 1.5000 (cls 0.9000  box 0.6000)  100.0 images/s  0:01:04 left"


def test_view_is_a_bar_only_where_standard_error_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for is_terminal, view in ((True, TerminalProgress), (False, LoggedProgress)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=is_terminal: answer, raising=False)
        assert type(progress_view("training", 3)) is view


def test_bar_shows_count_and_last_text() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with TerminalProgress("training", 3, console) as progress:
        progress.update(1, "loss 2.5")
        progress.update(2)
    assert "2/3" in screen.getvalue()
    assert "loss 2.5" in screen.getvalue()


def test_steps_without_news_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), LoggedProgress("detecting", None) as progress:
        progress.update(1)
        progress.update(2, "10 boxes")
    assert caplog.messages == ["detecting 2/?  10 boxes"]
