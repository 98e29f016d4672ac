import { type Drift, driftOf } from "../access/lease/drift.ts";
import type { AccessRequest, Holding } from "../access/request/record.ts";
import type { RescueLease } from "../access/rescue/lease.ts";
import type { AccessEntry, TagReading } from "../access-entry/index.ts";
import { identityOfEntry } from "../access-entry/index.ts";

/** An access entry with what its tags say of us. */
export interface ReadEntry {
  readonly entry: AccessEntry;
  readonly tags: TagReading;
  /** Null: it is of no rescue. */
  readonly rescue: RescueLease | null;
}

/** What of an entry is ours, as far as its tags are believed. */
export function heldIn({ tags }: Pick<ReadEntry, "tags">): Holding | undefined {
  return tags.type === "holding" ? tags.holding : undefined;
}

/** What somebody took out of the entry by which a active lease was given. Null: nothing. @param read null: it is gone */
export function entryDrift(request: AccessRequest, read: Pick<ReadEntry, "entry" | "tags"> | null): Drift | null {
  return driftOf(request, read && identityOfEntry(read.entry, heldIn(read)), null);
}

/** Whether nothing of a lease is to be taken away yet. */
export function isInForce({ lease }: AccessRequest): boolean {
  return lease?.state === "active" && !lease.end;
}
