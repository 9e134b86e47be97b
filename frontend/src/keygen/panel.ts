/** The parts of the dialogue's markup, by name and type: `templates/keygen.html`. Decides nothing. */

import type { Judgement } from "./strength";

/** What the dialogue consists of. */
export class Panel {
  readonly notice: HTMLElement;
  readonly reason: HTMLElement;
  readonly controls: HTMLElement;
  readonly ask: HTMLElement;
  readonly kind: HTMLSelectElement;
  readonly passphrase: HTMLInputElement;
  readonly repeated: HTMLInputElement;
  readonly isPlain: HTMLInputElement;
  readonly protection: HTMLElement;
  readonly meter: HTMLMeterElement;
  readonly advice: HTMLElement;
  readonly make: HTMLButtonElement;
  readonly status: HTMLElement;
  readonly made: HTMLElement;
  readonly fingerprint: HTMLElement;
  readonly fileName: HTMLElement;
  readonly restrict: HTMLElement;
  readonly plainWarning: HTMLElement;
  readonly another: HTMLButtonElement;
  readonly saveAgain: HTMLButtonElement;
  readonly savePublic: HTMLButtonElement;

  constructor(readonly root: HTMLElement) {
    this.notice = this.part("notice", HTMLElement);
    this.reason = this.part("reason", HTMLElement);
    this.controls = this.part("controls", HTMLElement);
    this.ask = this.part("ask", HTMLElement);
    this.kind = this.part("kind", HTMLSelectElement);
    this.passphrase = this.part("passphrase", HTMLInputElement);
    this.repeated = this.part("repeated", HTMLInputElement);
    this.isPlain = this.part("plain", HTMLInputElement);
    this.protection = this.part("protection", HTMLElement);
    this.meter = this.part("meter", HTMLMeterElement);
    this.advice = this.part("advice", HTMLElement);
    this.make = this.part("make", HTMLButtonElement);
    this.status = this.part("status", HTMLElement);
    this.made = this.part("made", HTMLElement);
    this.fingerprint = this.part("fingerprint", HTMLElement);
    this.fileName = this.part("file-name", HTMLElement);
    this.restrict = this.part("restrict", HTMLElement);
    this.plainWarning = this.part("plain-warning", HTMLElement);
    this.another = this.part("another", HTMLButtonElement);
    this.saveAgain = this.part("save-again", HTMLButtonElement);
    this.savePublic = this.part("save-public", HTMLButtonElement);
  }

  /** What the key will be called; empty where the form around has no such field. */
  get label(): string {
    return this.field<HTMLInputElement>("label")?.value ?? "";
  }

  /** What the form around has chosen; empty where it has no such field. */
  get keyType(): string {
    const chosen = this.typeControls().find((control) => control instanceof HTMLSelectElement || control.checked);
    return chosen?.value ?? "";
  }

  /** Call back when the form around chooses another type. */
  onKeyType(changed: () => void): void {
    this.typeControls().forEach((control) => control.addEventListener("change", changed));
  }

  /** Put the public half, and its type, where the form around sends them from. */
  hand(publicPem: string, keyType: string): void {
    const publicKey = this.field<HTMLTextAreaElement>("publicKey");
    if (publicKey !== null) {
      publicKey.value = publicPem;
    }
    this.typeControls().forEach((control) => {
      if (control instanceof HTMLSelectElement) {
        control.value = keyType;
      } else {
        control.checked = control.value === keyType;
      }
      // Scripts that show what belongs to a type hear of it.
      control.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  say(words: string): void {
    this.status.textContent = words;
  }

  /** Show what was made, or what is to be chosen. */
  showMade(isMade: boolean): void {
    this.made.hidden = !isMade;
    this.ask.hidden = isMade;
  }

  showJudgement({ score, words }: Judgement): void {
    this.meter.value = score;
    this.advice.textContent = words;
  }

  clearPassphrase(): void {
    this.passphrase.value = "";
    this.repeated.value = "";
    this.meter.value = 0;
    this.advice.textContent = "";
  }

  /** One choice, or a row of radio buttons. */
  private typeControls(): (HTMLInputElement | HTMLSelectElement)[] {
    const selector = this.root.dataset["keyType"] ?? ":not(*)";
    return [...this.around().querySelectorAll<HTMLInputElement | HTMLSelectElement>(selector)];
  }

  /** Find a field of the form around by the selector that the markup gives for it. */
  private field<Kind extends HTMLElement>(name: "label" | "publicKey"): Kind | null {
    const selector = this.root.dataset[name];
    return selector === undefined ? null : this.around().querySelector<Kind>(selector);
  }

  /** Only the form this stands in: the page behind a dialogue may have fields of the same name. */
  private around(): ParentNode {
    return this.root.closest("form") ?? document;
  }

  private part<Kind extends HTMLElement>(name: string, kind: new () => Kind): Kind {
    const found = this.root.querySelector(`[data-part="${name}"]`);
    if (!(found instanceof kind)) {
      throw new Error(`the markup has no part ${name}`);
    }
    return found;
  }
}
