import { createHash } from "node:crypto";
import type { Ledger } from "../../ledger/ledger.ts";
import { usualDeadlines } from "../../operations/deadlines.ts";
import { inTime } from "../app/in-time.ts";
import { toleranceSeconds } from "./refuse-headers.ts";

/** How long a signature could be played again: as long as its time is neither too old nor too far ahead. */
const rememberMs = 2 * toleranceSeconds * 1000;

/** Requests that any of the slack processes has taken already. */
export interface SeenRequests {
  /** True the first time that this signature, or this id, comes. */
  isNew(signature: string): Promise<boolean>;
  /** The same, as far as this process knows. */
  isNewHere(signature: string): boolean;
}

/**
 * Remembers by the ledger, for all processes together. Where the ledger does not answer, only this process's own memory
 * counts: no request can do anything then, since all that it could change is in the ledger.
 *
 * @param withinMs an ack must not wait for a ledger that hangs (`seenBefore` of the deadlines)
 */
export function seenRequests(ledger: Pick<Ledger, "takeTurn">, withinMs = usualDeadlines.seenBefore): SeenRequests {
  const own = new NewestNames();
  const isNew = async (name: string) => {
    if (!own.add(name)) return false;
    const first = ledger.takeTurn(name, rememberMs).catch(() => true);
    return inTime(first, withinMs, true);
  };
  return {
    isNew: (signature) => isNew(nameOf(signature)),
    isNewHere: (signature) => own.add(nameOf(signature)),
  };
}

function nameOf(signature: string): string {
  return `slack:${createHash("sha256").update(signature).digest("base64url")}`;
}

/**
 * The newest five thousand names at least, and twice as many at most: far more than Slack sends one process in ten minutes. They
 * go five thousand at a time: a set from which its oldest is taken again and again has to step over all that were taken before.
 */
class NewestNames {
  #newest = new Set<string>();
  #older = new Set<string>();

  /** False: it is among them already. */
  add(name: string): boolean {
    if (this.#newest.has(name) || this.#older.has(name)) return false;
    if (this.#newest.size >= 5_000) [this.#older, this.#newest] = [this.#newest, new Set()];
    this.#newest.add(name);
    return true;
  }
}
