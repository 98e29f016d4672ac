import type { ChainedEvent } from "../access/audit/event.ts";
import type { Anchor, LogBase } from "../access/audit/verify-log.ts";

/** The events of the ledger as a log: read, copied out, and bounded in time. The ledger's own commits are all that adds to it. */
export interface AuditLog {
  /** Events from this sequence number on (the first is 1), in order. */
  events(from: number, limit: number): Promise<readonly ChainedEvent[]>;
  /** The chain's value after the newest event. */
  head(): Promise<Anchor>;
  /** Where the log begins, as it is written: who reads it has to verify it. */
  base(): Promise<LogBase>;
  /**
   * Lets the log begin here, and forgets what is before. Never goes back, and does nothing where the event is not there, or
   * where the log does not begin at `before` any more.
   */
  beginAt(base: LogBase, before: LogBase): Promise<void>;
  /** The anchors that people were given, up to this event; oldest first. Anybody who can write there could have made them up. */
  anchors(upTo: number): Promise<readonly Anchor[]>;
  /** Notes an anchor that people are given, so that it can still be checked when its event is forgotten. */
  noteAnchor(anchor: Anchor): Promise<void>;
  /** The sequence number of the newest event that was copied out; 0: none. */
  copied(): Promise<number>;
  /** Never goes back. */
  markCopied(sequence: number): Promise<void>;
}
