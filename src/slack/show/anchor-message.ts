import { type Anchor, formatAnchor } from "../../access/audit/anchor.ts";
import type { ChainVerdict } from "../../access/audit/event.ts";
import type { Message } from "../blocks/message.ts";
import { code, plainLine, section } from "../blocks/mrkdwn.ts";

/** What is posted in the audit channel: a value that nobody who holds Redis can change afterwards. */
export function anchorMessage(verdict: ChainVerdict): Message {
  if (verdict.type === "broken") {
    const text = `:rotating_light: *The audit log is broken* ${plainLine(verdict.message)} Keep a copy of Redis, and compare it with ${code("eks-access audit verify")} and the anchors above.`;
    return { text: "The audit log is broken", blocks: [section(text)] };
  }
  const anchor: Anchor = { count: verdict.count, hash: verdict.head };
  const text = [
    `*Audit log* whole, ${verdict.count} events. Its anchor:`,
    code(formatAnchor(anchor)),
    `${code("eks-access audit verify --anchor COUNT:HASH")} checks the log against it at any later time.`,
  ].join("\n");
  return { text: `Audit log whole, ${verdict.count} events`, blocks: [section(text)] };
}
