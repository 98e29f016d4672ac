/** The chain's value after so many events. Kept elsewhere, it shows a log that was replaced as a whole. */
export interface Anchor {
  /** Events since the beginning, those that were forgotten too. */
  readonly count: number;
  /** SHA-256, hex. */
  readonly hash: string;
}

/** Where a log begins: the chain's value after the newest event that was forgotten; count 0: nothing was. */
export interface LogBase extends Anchor {
  /** The anchors of forgotten events that somebody may hold: each was on the chain when its event was forgotten. */
  readonly anchors: readonly Anchor[];
  /** The worker's, over all of the above; null: nothing was forgotten. */
  readonly seal: string | null;
}

/** `COUNT:HASH`, as people copy it. */
export function formatAnchor({ count, hash }: Anchor): string {
  return `${count}:${hash}`;
}

/** Reads `COUNT:HASH`; null: it is none. */
export function readAnchor(text: string): Anchor | null {
  const [, count, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return count && hash ? { count: Number(count), hash } : null;
}
