/** Names for key files, and the command that keeps the private one to its owner. Writes nothing. */

import type { Kind } from "./kinds";

const NAME_LENGTH_MAX = 48;
const NAMELESS = "watchword";

export interface FileNames {
  readonly privateName: string;
  readonly publicName: string;
  /** Browsers save files for everybody to read, and no page can ask for less. */
  readonly restrict: string;
}

/** Name the files after a label as `watchword keygen` does: PATH.pem and PATH.pub.pem. */
export function fileNames(label: string, kind: Kind): FileNames {
  const plain = label
    .normalize("NFKD")
    .toLowerCase()
    // What accents become once they stand apart from their letters.
    .replace(/\p{Mark}+/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, NAME_LENGTH_MAX)
    .replace(/^-+|-+$/g, "");
  const stem = `${plain || NAMELESS}-${kind}`;
  return {
    privateName: `${stem}.pem`,
    publicName: `${stem}.pub.pem`,
    restrict: `chmod 600 ${stem}.pem`,
  };
}
