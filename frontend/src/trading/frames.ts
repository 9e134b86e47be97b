// Does work within frames and not too often, however often it is asked for: a busy market costs some drawings a second.

/** At most so often, and within a frame; what is asked for last is never lost. Hidden pages draw nothing. */
export function everyFrame(pauseMs: number, work: () => void): () => void {
  return atMostEvery(pauseMs, () => requestAnimationFrame(work));
}

/** Does work at most so often; the last call is never lost. */
export function atMostEvery(pauseMs: number, work: () => void): () => void {
  let timer = 0;
  let doneMs = 0;
  return () => {
    if (timer !== 0) {
      return;
    }
    timer = window.setTimeout(
      () => {
        timer = 0;
        doneMs = performance.now();
        work();
      },
      Math.max(0, doneMs + pauseMs - performance.now()),
    );
  };
}
