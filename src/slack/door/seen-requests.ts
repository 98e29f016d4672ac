import { createHash } from "node:crypto";
import type { Ledger } from "../../ledger/ledger.ts";
import { toleranceSeconds } from "./refuse-headers.ts";

/** How long a signature could be played again: as long as its time is neither too old nor too far ahead. */
const rememberMs = 2 * toleranceSeconds * 1000;

/** An ack must not wait for a ledger that hangs: what is done with the request needs the ledger as well, and fails there. */
const answerWithinMs = 300;

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
 */
export function seenRequests(ledger: Pick<Ledger, "takeTurn">): SeenRequests {
  const own = new Set<string>();
  const isNewHere = (name: string) => {
    if (own.has(name)) return false;
    remember(own, name);
    return true;
  };
  return {
    isNew: async (signature) => isNewHere(nameOf(signature)) && within(ledger.takeTurn(nameOf(signature), rememberMs)),
    isNewHere: (signature) => isNewHere(nameOf(signature)),
  };
}

function nameOf(signature: string): string {
  return `slack:${createHash("sha256").update(signature).digest("base64url")}`;
}

/** The newest ten thousand: far more than Slack sends one process in ten minutes. */
function remember(own: Set<string>, name: string): void {
  const [oldest] = own;
  if (own.size >= 10_000 && oldest !== undefined) own.delete(oldest);
  own.add(name);
}

function within(answer: Promise<boolean>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), answerWithinMs);
    answer
      .catch(() => true)
      .then((isNew) => {
        clearTimeout(timer);
        resolve(isNew);
      });
  });
}
