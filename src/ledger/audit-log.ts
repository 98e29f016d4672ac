import type { ErasedEvent } from "../access/audit/erase.ts";
import type { AuditEvent, ChainedEvent } from "../access/audit/event.ts";
import type { Anchor, LogBase } from "../access/audit/verify-log.ts";

/** The ledger's events as a log: read, delivered to sinks, and limited in time. Only the ledger's own commits add to it. */
export interface AuditLog {
  /** Events from this sequence number on (the first is 1), in order. */
  events(from: number, limit: number): Promise<readonly ChainedEvent[]>;
  /** The chain's value after the newest event. */
  head(): Promise<Anchor>;
  /** The beginning of the log, as stored: the reader has to verify it. */
  base(): Promise<LogBase>;
  /**
   * Makes the log begin here, and removes earlier events. Never goes back. Does nothing if the event is absent, or if the log no
   * longer begins at `before`.
   */
  beginAt(base: LogBase, before: LogBase): Promise<void>;
  /**
   * Puts what is left of erased events into their places, with their erasures in the log's beginning and this event, in one step. False:
   * the log has another beginning than `before`, and nothing changed.
   */
  erase(erased: ReadonlyMap<number, ErasedEvent>, base: LogBase, before: LogBase, event: AuditEvent): Promise<boolean>;
  /** The posted anchors up to this event, oldest first. An attacker with Redis can forge them. */
  anchors(upTo: number): Promise<readonly Anchor[]>;
  /** Stores a posted anchor, so that it can be checked after its event is removed. */
  noteAnchor(anchor: Anchor): Promise<void>;
  /** The sequence number of the newest event that this sink has; 0: none. */
  delivered(sink: string): Promise<number>;
  /** Never goes back. */
  markDelivered(sink: string, sequence: number): Promise<void>;
}
