"""How long the WebGL backend waits between questions to a GPU, in Chromium, by a clock that moves when it is asked."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from webdnn.runner.python.chromium import Browser

RUNS = """async ([durations, hidden]) => {
  const { Fence } = await import("/runner/backends/webgl_fence.js");
  let now = 0;
  const real = [performance.now, setTimeout];
  performance.now = () => now;
  window.setTimeout = (resolve, milliseconds) => {
    now += milliseconds;
    queueMicrotask(resolve);
  };
  if (hidden) Object.defineProperty(document, "hidden", { configurable: true, value: true });
  try {
    const fence = new Fence();
    const runs = [];
    for (const duration of durations) {
      const begun = now;
      let questions = 0;
      await fence.passed(() => {
        questions++;
        now += 0.1;  // what a question takes
        return now - begun >= duration;
      });
      runs.push([questions, now - begun]);
    }
    return runs;
  } finally {
    [performance.now, window.setTimeout] = real;
    if (hidden) delete document.hidden;
  }
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def runs(page: Page, durations: list[float], hidden: bool = False) -> list[tuple[int, float]]:
    """The questions that each wait took, and its milliseconds."""
    answer: list[tuple[int, float]] = page.evaluate(RUNS, [durations, hidden])
    return answer


def test_runs_that_take_as_long_as_those_before_are_asked_for_a_few_times(page: Page) -> None:
    (first, _), _, (third, taken), (fourth, _) = runs(page, [300, 300, 300, 300])
    assert max(third, fourth) < 15 <= first < 1000
    assert 300 <= taken <= 310


def test_quick_runs_are_not_delayed_by_timers(page: Page) -> None:
    for _, taken in runs(page, [2, 2, 1]):
        assert taken <= 2.2


def test_a_first_run_that_takes_long_does_not_delay_others(page: Page) -> None:
    for _, taken in runs(page, [1000, 100, 100])[1:]:
        assert taken <= 104


def test_runs_that_become_quicker_are_waited_for_less_and_less(page: Page) -> None:
    waited = [taken for _, taken in runs(page, [300, 300, *[100] * 8])[2:]]
    assert waited[:4] == sorted(waited[:4], reverse=True)
    assert waited[0] <= 250
    assert waited[-1] <= 110


def test_pages_that_nobody_sees_wait_without_timers(page: Page) -> None:
    for questions, taken in runs(page, [40, 40], hidden=True):
        assert questions >= 390
        assert taken <= 40.2
