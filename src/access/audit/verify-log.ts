import { type BrokenChain, type ChainedEvent, type ChainVerdict, genesis, verifyChain } from "./event.ts";

/** Verifies a log of any length, a page at a time. */
export interface LogVerification {
  /** The next events in order. Null: so far nothing is wrong. */
  take(events: readonly ChainedEvent<object>[]): BrokenChain | null;
  /** After the last event: whether the log goes as far as each anchor says. */
  end(): ChainVerdict;
}

/**
 * @param base where the log begins, genuine (`brokenLogBase`): what was forgotten before it ends in this value
 * @param anchors values that were written down elsewhere; the base has to know those of forgotten events
 */
export function verifyLog(base: Omit<LogBase, "seal">, anchors: readonly Anchor[]): LogVerification {
  let { count, hash } = base;
  const expected = new Map(anchors.filter((anchor) => anchor.count >= base.count).map((each) => [each.count, each]));
  const differs = (anchor: Anchor | undefined): BrokenChain | null =>
    anchor && anchor.hash !== hash
      ? {
          type: "broken",
          sequence: anchor.count,
          message: `Event ${anchor.count} is not the one of the anchor ${formatAnchor(anchor)}: the log was replaced up to there.`,
        }
      : null;
  const atBase = beforeBase(base, anchors) ?? differs(expected.get(count));
  return {
    take: (events) => {
      if (atBase) return atBase;
      for (const event of events) {
        const verdict = verifyChain([event], hash, count + 1);
        if (verdict.type === "broken") return verdict;
        count += 1;
        hash = verdict.head;
        const broken = differs(expected.get(count));
        if (broken) return broken;
      }
      return null;
    },
    end: () => {
      const beyond = [...expected.values()].find((anchor) => anchor.count > count);
      if (beyond) {
        const message = `Event ${count + 1} is missing: the log ends before the anchor ${formatAnchor(beyond)}.`;
        return { type: "broken", sequence: count + 1, message };
      }
      return atBase ?? { type: "whole", count, head: hash };
    },
  };
}

/** An anchor of an event that the log forgot without having met it: what was forgotten may be another log. */
function beforeBase({ count, anchors: known }: Omit<LogBase, "seal">, anchors: readonly Anchor[]): BrokenChain | null {
  const met = new Set([{ count: 0, hash: genesis }, ...known].map(formatAnchor));
  const stray = anchors.find((anchor) => anchor.count < count && !met.has(formatAnchor(anchor)));
  if (!stray) return null;
  const message = `The log begins after event ${count}, and no beginning that the worker signed leads from the anchor ${formatAnchor(stray)} to it.`;
  return { type: "broken", sequence: stray.count, message };
}

/** The chain's value after so many events. Kept elsewhere, it shows a log that was replaced as a whole. */
export interface Anchor {
  /** Events since the beginning, those that were forgotten too. */
  readonly count: number;
  /** SHA-256, hex. */
  readonly hash: string;
}

/** Where a log begins: the chain's value after the newest event that was forgotten; count 0: nothing was. */
export interface LogBase extends Anchor {
  /** The anchors of forgotten events that a person may hold: each was on the chain when its event was forgotten. */
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
