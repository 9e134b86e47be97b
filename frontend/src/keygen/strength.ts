/**
 * May this passphrase protect a key file, and how is that said? Decides by an estimate it is given; estimates nothing itself.
 *
 * A stolen file can be guessed at for as long as somebody likes: behind 600,000 rounds of PBKDF2 at some ten thousand
 * guesses a second and graphics card.
 */

/** As the CLI asks for. */
export const PASSPHRASE_LENGTH_MIN = 12;
/** Bytes of UTF-8; short enough for every reader of PKCS#8. */
export const PASSPHRASE_BYTES_MAX = 1_024;
/** zxcvbn's score from which a passphrase is taken: beyond 10^10 guesses, which are twelve days; 3 would be three hours. */
export const SCORE_MIN = 4;

/** What an estimator says; zxcvbn's words, without its matches, which hold pieces of the passphrase. */
export interface Estimate {
  /** 0 to 4. */
  readonly score: number;
  /** For example `3 years`. */
  readonly crackTime: string;
  readonly warning: string;
  readonly suggestions: readonly string[];
}

export interface Judgement {
  /** 0 to 4, for a meter. */
  readonly score: number;
  readonly isAcceptable: boolean;
  /** For people, in one or two sentences. */
  readonly words: string;
}

const NAMES = ["Far too weak", "Too weak", "Too weak", "Still too weak", "Good"] as const;

/** Judge a passphrase; without an estimate (it is still loading, or could not be) length alone is judged and said. */
export function judge(passphrase: string, estimate: Estimate | null): Judgement {
  const length = [...passphrase].length;
  if (length < PASSPHRASE_LENGTH_MIN) {
    const words = length === 0 ? "" : `${length} of at least ${PASSPHRASE_LENGTH_MIN} characters.`;
    return { score: 0, isAcceptable: false, words };
  }
  if (new TextEncoder().encode(passphrase).length > PASSPHRASE_BYTES_MAX) {
    return { score: 0, isAcceptable: false, words: `Longer than ${PASSPHRASE_BYTES_MAX} bytes.` };
  }
  if (estimate === null) {
    return { score: 0, isAcceptable: true, words: "How easily it is guessed could not be judged: the meter did not load." };
  }
  const isAcceptable = estimate.score >= SCORE_MIN;
  const name = NAMES[estimate.score] ?? NAMES[0];
  const advice = isAcceptable ? [] : [estimate.warning, estimate.suggestions[0] ?? ""];
  const words = [`${name}: guessed in ${estimate.crackTime} by one graphics card.`, ...advice].filter(Boolean).join(" ");
  return { score: estimate.score, isAcceptable, words };
}
