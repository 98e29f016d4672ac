import type { Anchor } from "../audit/anchor.ts";
import type { ChainedEvent } from "../audit/event.ts";

/** The events of the ledger as a log: read, copied out, and bounded in time. The ledger's own commits are all that adds to it. */
export interface AuditLog {
  /** Events from this sequence number on (the first is 1), in order. */
  events(from: number, limit: number): Promise<readonly ChainedEvent[]>;
  /** The chain's value after the newest event. */
  head(): Promise<Anchor>;
  /** The chain's value after the newest event that was forgotten: count 0 where all are there. */
  base(): Promise<Anchor>;
  /**
   * Forgets this event and all before it. The chain stays verifiable from there on. Never goes back, and does nothing
   * where the event is not there.
   */
  forgetUpTo(event: ChainedEvent): Promise<void>;
  /** The sequence number of the newest event that was copied out; 0: none. */
  copied(): Promise<number>;
  /** Never goes back. */
  markCopied(sequence: number): Promise<void>;
}
