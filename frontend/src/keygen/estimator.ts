/**
 * zxcvbn with its word lists, a file of its own: some 1.6 MB that only the dialogue for new keys loads. Remembers nothing.
 */

import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import * as common from "@zxcvbn-ts/language-common";
import * as english from "@zxcvbn-ts/language-en";

import type { Estimate } from "./strength";

const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary },
  graphs: common.adjacencyGraphs,
  translations: english.translations,
});

/**
 * Estimate how hard a passphrase is to guess.
 *
 * @param known Words a guesser would try first: the label, the product's name.
 */
export function estimate(passphrase: string, known: readonly string[]): Estimate {
  const found = estimator.check(passphrase, [...known]);
  return {
    score: found.score,
    crackTime: found.crackTimes.offlineSlowHashingXPerSecond.display,
    warning: found.feedback.warning ?? "",
    suggestions: found.feedback.suggestions,
  };
}
