import { hash } from "node:crypto";
import { canonicalJson, type Json, type KeyKind, type Verifier } from "../access/seal.ts";

interface Remembered<Value> {
  readonly text: string;
  readonly value: Value;
}

/** A shorter text is read in less than a millisecond, and a thousand clusters have thousands of them. UTF-16 units. */
export const worthRemembering = 8 * 1024;

/** Remembers results for the most recent texts, compared whole. Callers share the results: do not change them. */
export class RecentResults<Value extends object | boolean> {
  readonly #known = new Map<string, Remembered<Value>>();
  readonly #maxLength: number;
  readonly #minLength: number;
  #length = 0;

  /** @param maxLength of all texts together @param minLength of each text; both in UTF-16 units */
  constructor(maxLength: number, minLength = 0) {
    this.#maxLength = maxLength;
    this.#minLength = minLength;
  }

  /** The remembered result for this text, or the result of `work`. @param place each place remembers one text */
  of(place: string, text: string, work: () => Value): Value {
    const known = this.get(place, text);
    if (known !== undefined) return known;
    const value = work();
    this.set(place, text, value);
    return value;
  }

  get(place: string, text: string): Value | undefined {
    const known = this.#known.get(place);
    if (known?.text !== text) return undefined;
    this.#known.delete(place);
    this.#known.set(place, known);
    return known.value;
  }

  set(place: string, text: string, value: Value): void {
    this.#forget(place);
    if (text.length > this.#maxLength || text.length < this.#minLength) return;
    this.#known.set(place, { text, value });
    this.#length += text.length;
    for (const oldest of this.#known.keys()) {
      if (this.#length <= this.#maxLength) return;
      this.#forget(oldest);
    }
  }

  #forget(place: string): void {
    const known = this.#known.get(place);
    if (known === undefined) return;
    this.#known.delete(place);
    this.#length -= known.text.length;
  }
}

/** Of some 4,000 decisions or previews. */
const maxSealText = 4_000 * 170;

/** Keys that verify each genuine seal once. They verify a forged seal each time, and remember nothing of it. */
export function rememberingSeals<Kind extends KeyKind>(keys: Verifier<Kind>): Verifier<Kind> {
  const verified = new RecentResults<true>(maxSealText);
  return {
    ids: keys.ids,
    isSealed: (purpose, value, seal) => {
      const text = textOf(purpose, value, seal);
      if (text !== null && verified.get(text, text)) return true;
      const isSealed = keys.isSealed(purpose, value, seal);
      if (isSealed && text !== null) verified.set(text, text, true);
      return isSealed;
    },
  };
}

/** Null: JSON from Redis can nest too deep to be written again. */
function textOf(purpose: string, value: Json, seal: unknown): string | null {
  if (typeof seal !== "string") return null;
  try {
    const digest = hash("sha256", canonicalJson(value));
    return `${purpose} ${digest} ${seal}`;
  } catch {
    return null;
  }
}
