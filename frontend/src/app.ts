// Every page's script: what is here only makes pages handier. Reading, and every form but the security key's, work without.
import htmx from "htmx.org";
import { startClipboard } from "./clipboard";
import { startDialog } from "./dialog";
import { startFiles } from "./files";
import { startFocus } from "./focus";
import { startKeygen } from "./keygen/opening";
import { startLive } from "./live";
import { showScripted } from "./scripted";
import { startSecrets } from "./secrets";
import { startStrength } from "./strength";
import { startSubmits } from "./submits";
import { startTelling } from "./telling";
import { startWebauthn } from "./webauthn";

/** An enrolment link carries its token behind the `#`, which browsers send to nobody. */
function takeFragment(): void {
  const field = document.querySelector<HTMLInputElement>("[data-from-fragment]");
  const found = new URLSearchParams(location.hash.slice(1)).get(field?.dataset["fromFragment"] ?? "");
  if (field !== null && found !== null) {
    field.value = found;
    history.replaceState(null, "", location.pathname + location.search);
  }
}

showScripted(document);
document.addEventListener("htmx:load", (event) => showScripted(event.target as ParentNode));
takeFragment();
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
startClipboard();
startFiles();
startKeygen();
startSecrets();
startStrength();
startSubmits();
startWebauthn();
startTelling(htmx);
startFocus(htmx);
startDialog(htmx);
startLive(htmx);
