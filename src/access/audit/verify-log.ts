import { type Anchor, formatAnchor, type LogBase } from "./anchor.ts";
import { type BrokenChain, type ChainedEvent, type ChainVerdict, genesis, verifyChain } from "./event.ts";

/** Verifies a log of any length, a page at a time. */
export interface LogVerification {
  /** The next events in order. Null: so far nothing is wrong. */
  take(events: readonly ChainedEvent<object>[]): BrokenChain | null;
  /** After the last event: whether the log goes as far as each anchor says. */
  end(): ChainVerdict;
}

/**
 * @param base where the log begins, genuine (`brokenBase`): what was forgotten before it ends in this value
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
