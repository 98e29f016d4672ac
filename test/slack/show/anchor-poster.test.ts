import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { genesis } from "../../../src/access/audit-event.ts";
import { type Anchor, type LogBase, sealLogBase } from "../../../src/access/verify-log.ts";
import { type AnchorContext, startAnchorPoster } from "../../../src/slack/show/anchor-poster.ts";
import { aLog } from "../../builders/a-log.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { memoryTurns } from "../../ledger/memory-ports.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";

const channel = "C0ACCESS";
let slack: SandboxSlack;
let stop: () => Promise<void>;
let noted: Anchor[];

beforeEach(async () => {
  slack = await startSandboxSlack();
  noted = [];
});
afterEach(async () => {
  await stop();
  await slack.stop();
});

/** A poster over these events, whose turn it is once. */
function posting(
  events: ReturnType<typeof aLog>,
  into: string | null = channel,
  base: LogBase = { count: 0, hash: genesis, anchors: [], seal: null },
): { stop: () => Promise<void> } {
  const auditLog: AnchorContext["auditLog"] = {
    events: async (from, limit) => events.filter((each) => each.sequence >= from).slice(0, limit),
    base: async () => base,
    noteAnchor: async (anchor) => void noted.push(anchor),
  };
  const poster = startAnchorPoster({
    auditLog,
    ledger: memoryTurns(),
    client: aClient(slack),
    keys,
    settings: () => ({ channel: into, anchorEverySeconds: 60, keepSeconds: null, sinks: [] }),
    log: pino({ level: "silent" }),
  });
  stop = poster.stop;
  return poster;
}

describe("the anchor of the audit log", () => {
  test("is posted in the audit channel, to be copied", async () => {
    const events = aLog(3);
    posting(events);

    const message = await slack.until(() => slack.messages(channel)[0]);

    expect(textOf(message)).toBe(
      [
        "*Audit log* whole, 3 events. Its anchor:",
        `\`3:${events[2]?.hash}\``,
        "`eks-access audit verify --anchor COUNT:HASH` checks it.",
      ].join("\n"),
    );
    expect(noted).toEqual([{ count: 3, hash: events[2]?.hash }]);
  });

  test("is not posted of a broken log: the channel learns what broke", async () => {
    posting(aLog(3).filter((each) => each.sequence !== 2));

    const message = await slack.until(() => slack.messages(channel)[0]);

    expect(textOf(message)).toContain("*The audit log is broken* Event 2 is missing");
  });

  test("is posted of a log that begins where the worker let it begin", async () => {
    const events = aLog(3);
    const base = { count: 2, hash: events[1]?.hash ?? "", anchors: [] };
    posting(events.slice(2), channel, sealLogBase(base, keys.preview));

    const message = await slack.until(() => slack.messages(channel)[0]);

    expect(textOf(message)).toContain("*Audit log* whole, 3 events.");
  });

  test.each([null, sealLogBase({ count: 2, hash: "b".repeat(64), anchors: [] }, otherKeys.preview).seal])(
    "is not posted of a log that begins where another person put it, with the seal %j",
    async (seal) => {
      const events = aLog(3);
      posting(events.slice(2), channel, { count: 2, hash: events[1]?.hash ?? "", anchors: [], seal });

      const message = await slack.until(() => slack.messages(channel)[0]);

      expect(textOf(message)).toContain(
        "*The audit log is broken* The log begins after event 2 without the worker's signature.",
      );
      expect(noted).toEqual([]);
    },
  );

  test("is posted nowhere, where no channel is named", async () => {
    await posting(aLog(3), null).stop();

    expect(noted).toEqual([]);
  });
});
