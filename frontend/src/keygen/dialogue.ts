/**
 * The dialogue that makes a key pair: asks, makes, saves the private half and hands the public half to the form around.
 *
 * Sends nothing, stores nothing: passphrase and private key go into the saved file and nowhere else.
 */

import { type FileNames, fileNames } from "./file_names";
import { isKind, keyType, spoken } from "./kinds";
import { makePair, type Pair } from "./pair";
import { Panel } from "./panel";
import { save } from "./saving";
import { type Estimate, judge, type Judgement } from "./strength";
import { here, probe, reason } from "./support";

type Estimator = (passphrase: string, known: readonly string[]) => Estimate;

/** Typing goes on meanwhile; estimating takes some milliseconds. */
const PAUSE_MS = 150;
const KNOWN_WORDS = ["watchword", "binance", "testnet"];

/** Bring the markup to life. */
export async function install(root: HTMLElement): Promise<void> {
  const panel = new Panel(root);
  const support = await probe(here());
  if (support.missing !== null) {
    panel.reason.textContent = reason(support.missing);
    panel.notice.hidden = false;
  }
  panel.kind.replaceChildren(...support.kinds.map((kind) => new Option(spoken(kind), kind)));
  panel.controls.hidden = support.kinds.length === 0;
  new Dialogue(panel).listen();
}

class Dialogue {
  private readonly panel: Panel;
  private estimator: Promise<Estimator | null> | null = null;
  private pause = 0;
  private isBusy = false;
  /** Until it is surely saved; the only thing here that holds a private key. */
  private held: { readonly pair: Pair; readonly names: FileNames } | null = null;

  constructor(panel: Panel) {
    this.panel = panel;
  }

  listen(): void {
    const { panel } = this;
    this.followType();
    panel.onKeyType(() => this.followType());
    panel.passphrase.addEventListener("focus", () => void this.loaded(), { once: true });
    panel.passphrase.addEventListener("input", () => this.judgeSoon());
    panel.isPlain.addEventListener("change", () => this.chooseProtection());
    panel.make.addEventListener("click", () => void this.make());
    for (const input of [panel.passphrase, panel.repeated]) {
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.isComposing) {
          event.preventDefault();
          void this.make();
        }
      });
    }
    panel.another.addEventListener("click", () => {
      this.forget();
      panel.kind.focus();
    });
    panel.saveAgain.addEventListener("click", () => this.savePrivate());
    panel.savePublic.addEventListener("click", () => this.savePublic());
    this.forgetOnLeaving();
  }

  /** Leaving is going elsewhere, closing the dialogue this stands in, and whatever puts something else in its place. */
  private forgetOnLeaving(): void {
    const { root } = this.panel;
    const leaving = new AbortController();
    const { signal } = leaving;
    const gone = new MutationObserver(() => {
      if (!root.isConnected) {
        this.forget();
        gone.disconnect();
        leaving.abort();
      }
    });
    gone.observe(document.body, { childList: true, subtree: true });
    globalThis.addEventListener("pagehide", () => this.forget(), { signal });
    // `close` does not bubble, but it can be caught on its way down.
    const closed = (event: Event): void => {
      if (event.target instanceof Node && event.target.contains(root)) {
        this.forget();
      }
    };
    document.addEventListener("close", closed, { capture: true, signal });
  }

  private async make(): Promise<void> {
    const { panel } = this;
    const kind = panel.kind.value;
    if (this.isBusy || !isKind(kind)) {
      return;
    }
    this.isBusy = true;
    try {
      const passphrase = panel.isPlain.checked ? null : panel.passphrase.value;
      if (passphrase === null || (await this.accepts(passphrase))) {
        panel.say(`Making ${spoken(kind)} keys…`);
        this.take(await makePair(kind, passphrase));
      }
    } catch {
      // The error's text is the browser's own; what it was about is none of the screen's business.
      panel.say("The browser could not make the keys. Try again, or make them inside the vault.");
    } finally {
      this.isBusy = false;
    }
  }

  private take(pair: Pair): void {
    // Somebody who left meanwhile has no use for them.
    if (!this.panel.root.isConnected) {
      return;
    }
    const names = fileNames(this.panel.label, pair.kind);
    this.held = { pair, names };
    this.panel.clearPassphrase();
    this.showMade(pair, names);
    this.savePrivate();
    this.panel.saveAgain.focus();
  }

  private async accepts(passphrase: string): Promise<boolean> {
    const { panel } = this;
    const judgement = await this.judged(passphrase);
    panel.showJudgement(judgement);
    if (!judgement.isAcceptable) {
      panel.say("Choose a stronger passphrase.");
      panel.passphrase.focus();
      return false;
    }
    if (panel.repeated.value !== passphrase) {
      panel.say("The two passphrases differ.");
      panel.repeated.focus();
      return false;
    }
    return true;
  }

  private showMade({ publicPem, kind, fingerprint, isEncrypted }: Pair, names: FileNames): void {
    const { panel } = this;
    panel.fingerprint.textContent = fingerprint;
    panel.fileName.textContent = names.privateName;
    panel.restrict.textContent = names.restrict;
    panel.plainWarning.hidden = isEncrypted;
    panel.showMade(true);
    panel.hand(publicPem, keyType(kind));
    panel.say(`The keys are made. The private one is saved as ${names.privateName}; only the public one is sent from here.`);
  }

  private savePrivate(): void {
    if (this.held !== null) {
      save(this.held.pair.privateFile, this.held.names.privateName);
    }
  }

  private savePublic(): void {
    if (this.held !== null) {
      save(new Blob([this.held.pair.publicPem]), this.held.names.publicName);
    }
  }

  /** Let go of what this page knows, also where the browser keeps the page for its back button. */
  private forget(): void {
    this.held = null;
    this.panel.clearPassphrase();
    this.panel.showMade(false);
    this.panel.say("");
  }

  /** Offer first what the form around has chosen. */
  private followType(): void {
    const { kind, keyType: chosen } = this.panel;
    const fitting = [...kind.options].find(({ value }) => isKind(value) && keyType(value) === chosen);
    if (fitting !== undefined && isKind(kind.value) && keyType(kind.value) !== chosen) {
      kind.value = fitting.value;
    }
  }

  private chooseProtection(): void {
    const { panel } = this;
    panel.protection.hidden = panel.isPlain.checked;
    if (panel.isPlain.checked) {
      panel.clearPassphrase();
    }
  }

  private judgeSoon(): void {
    clearTimeout(this.pause);
    this.pause = window.setTimeout(async () => {
      const passphrase = this.panel.passphrase.value;
      const judgement = await this.judged(passphrase);
      // While the word lists were loading, more may have been typed.
      if (passphrase === this.panel.passphrase.value) {
        this.panel.showJudgement(judgement);
      }
    }, PAUSE_MS);
  }

  private async judged(passphrase: string): Promise<Judgement> {
    const estimator = await this.loaded();
    const known = [...KNOWN_WORDS, ...this.panel.label.split(/\s+/).filter(Boolean)];
    return judge(passphrase, estimator?.(passphrase, known) ?? null);
  }

  /** Load the estimator once; null where it cannot be loaded. */
  private loaded(): Promise<Estimator | null> {
    const address = this.panel.root.dataset["estimator"] ?? "";
    this.estimator ??= import(address).then(
      (module: typeof import("./estimator")) => module.estimate,
      () => null,
    );
    return this.estimator;
  }
}
