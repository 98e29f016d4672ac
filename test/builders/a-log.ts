import { type ChainedEvent, chainHash, genesis } from "../../src/access/audit-event.ts";
import { digestOfEvent } from "../../src/access/seal.ts";
import { anEvent } from "./an-event.ts";

/** An unbroken log of so many events. */
export function aLog(count: number, reason = "reason"): ChainedEvent[] {
  const log: ChainedEvent[] = [];
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const event = anEvent({ request: `r-${sequence}`, detail: { reason: `${reason} ${sequence}` } });
    const previous = log.at(-1)?.hash ?? genesis;
    log.push({ sequence, event, previous, hash: chainHash(previous, digestOfEvent(event)) });
  }
  return log;
}
