// Does work once a frame, however often it is asked for: twenty updates a second cost one drawing each at most.

export function everyFrame(work: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) {
      return;
    }
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
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
