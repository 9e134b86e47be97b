/**
 * Loads key generation when somebody opens it, and not before: it brings an ASN.1 library along. Part of every page.
 *
 * The markup is `templates/keygen.html`; addresses of scripts come from there because the build names them by content.
 */

const PANEL = "details[data-keygen]";

export function startKeygen(): void {
  // `toggle` does not bubble, but it can be caught on its way down; also for what htmx puts in later.
  document.addEventListener("toggle", (event) => void opened(event.target), true);
  document.querySelectorAll(`${PANEL}[open]`).forEach((panel) => void opened(panel));
}

async function opened(target: EventTarget | null): Promise<void> {
  if (!(target instanceof HTMLDetailsElement) || !target.matches(PANEL) || !target.open || "ready" in target.dataset) {
    return;
  }
  target.dataset["ready"] = "";
  try {
    const { install } = (await import(target.dataset["keygen"] ?? "")) as typeof import("./dialogue");
    await install(target);
  } catch {
    // Closed and opened once more, it is tried again.
    delete target.dataset["ready"];
    const notice = target.querySelector<HTMLElement>("[data-part=notice]");
    if (notice !== null) {
      notice.hidden = false;
      notice.prepend("Key generation could not be loaded; close this and open it again. ");
    }
  }
}
