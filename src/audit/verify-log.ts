import { type Anchor, formatAnchor } from "./anchor.ts";
import { type ChainedEvent, type ChainVerdict, verifyChain } from "./event.ts";

/** Verifies a log of any length, a page at a time. */
export interface LogVerification {
  /** The next events in order. Null: so far nothing is wrong. */
  take(events: readonly ChainedEvent<object>[]): Extract<ChainVerdict, { type: "broken" }> | null;
  /** After the last event: whether the log goes as far as each anchor says. */
  end(): ChainVerdict;
}

/**
 * @param base where the log begins: what was forgotten before it ends in this value
 * @param anchors values that were written down elsewhere; those of forgotten events say nothing
 */
export function verifyLog(base: Anchor, anchors: readonly Anchor[]): LogVerification {
  let { count, hash } = base;
  const expected = new Map(anchors.filter((anchor) => anchor.count >= base.count).map((each) => [each.count, each]));
  const differs = (anchor: Anchor | undefined): Extract<ChainVerdict, { type: "broken" }> | null =>
    anchor && anchor.hash !== hash
      ? {
          type: "broken",
          sequence: anchor.count,
          message: `Event ${anchor.count} is not the one of the anchor ${formatAnchor(anchor)}: the log was replaced up to there.`,
        }
      : null;
  const atBase = differs(expected.get(count));
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
