// A browser opens six connections to a host, over all its windows. Streams keep theirs, so only some windows may have one:
// with all six taken by streams no order could be placed and no page read.

const SLOTS = 4;
const NAME = "watchword-stream-";

/** One window's right to a stream. Ends with the window, whatever happens to it. */
export class Slot {
  private release: (() => void) | null = null;

  /** Takes one; false where all are taken. Where the browser cannot tell, nobody is held up. */
  async take(): Promise<boolean> {
    if (this.release !== null || !("locks" in navigator)) {
      return true;
    }
    for (let number = 0; number < SLOTS; number += 1) {
      if (await this.hold(NAME + number)) {
        return true;
      }
    }
    return false;
  }

  free(): void {
    this.release?.();
    this.release = null;
  }

  private hold(name: string): Promise<boolean> {
    return new Promise((settle) => {
      void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        settle(lock !== null);
        return lock === null
          ? undefined
          : new Promise<void>((release) => {
              this.release = release;
            });
      });
    });
  }
}
