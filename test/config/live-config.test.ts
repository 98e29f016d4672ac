import { beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { keepsClusters } from "../../src/config/follow-fleet.ts";
import { type LiveConfig, liveConfig } from "../../src/config/live-config.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { configText } from "../builders/a-cluster.ts";
import { aLeasedRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";

let live: LiveConfig;
let ledger: Ledger;

beforeEach(() => {
  const reading = readConfig(configText);
  if (reading.type === "invalid") throw new Error(reading.problems.join());
  live = liveConfig({ text: configText, config: reading.config }, () => at(0));
  ledger = memoryLedger();
});

const names = () => [...live.current().clusters.keys()];

test("a text replaces the whole configuration; a reader of the earlier one keeps it", async () => {
  const before = live.current();

  const offer = await live.offer(configText.replace("  staging:", "  renamed:"));

  expect(offer).toEqual({ type: "replaced", afterRestart: [], left: [] });
  expect(names()).toEqual(["renamed"]);
  expect([...before.clusters.keys()]).toEqual(["staging"]);
});

test("a follower learns of a replacement, and not of a refusal", async () => {
  const seen: string[] = [];
  live.onReplaced((present, before) => seen.push(`${[...before.clusters.keys()]} > ${[...present.clusters.keys()]}`));

  await live.offer("no configuration");
  await live.offer(configText.replace("  staging:", "  renamed:"));

  expect(seen).toEqual(["staging > renamed"]);
});

test("a text with problems changes nothing, and names them all", async () => {
  const before = live.current();

  const offer = await live.offer(configText.replace("C0ACCESS", "access").replace("8h", "soon"));

  expect(offer).toMatchObject({
    type: "refused",
    problems: [expect.stringContaining("clusters.staging.channel"), expect.stringContaining("levels.viewer.maxD")],
  });
  expect(live.current()).toBe(before);
});

test("what needs a restart keeps its value, and is named", async () => {
  const text = `slack: { mode: socket }\ntiming: { sweepEvery: 9s, inspectEvery: 9m, deadlines: { awsCall: 9s } }\n`;

  const offer = await live.offer(text + configText);

  expect(offer).toMatchObject({ afterRestart: ["slack", "timing.sweepEvery", "timing.deadlines"] });
  const { slack, timing } = live.current();
  expect([slack.mode, timing.sweepEverySeconds, timing.inspectEverySeconds]).toEqual(["http", 1, 540]);
});

test("a text that loses what limits people is refused: it can be half of a file", async () => {
  const guards =
    "linking: { confirm: administrator }\nadministrators: [U0ADMIN]\npolicy: { rules: [{ name: alone, approvals: 1 }] }\n";
  await live.offer(guards + configText);
  const guarded = live.current();

  const offer = await live.offer(configText);

  expect(offer).toMatchObject({
    type: "refused",
    problems: [expect.stringMatching(/^policy: gone\. Restore it/), expect.stringMatching(/^linking: gone\./)],
  });
  expect(live.current()).toBe(guarded);
});

test("of two texts at once the later one stays, checked against the one before it", async () => {
  const seen: string[] = [];
  live.refuseIf(async (next, present) => {
    seen.push(`${[...present.clusters.keys()]} > ${[...next.clusters.keys()]}`);
    await new Promise((resolve) => setTimeout(resolve, seen.length === 1 ? 5 : 0));
    return [];
  });

  await Promise.all(["one", "two"].map((name) => live.offer(configText.replace("  staging:", `  ${name}:`))));

  expect(seen).toEqual(["staging > one", "one > two"]);
  expect(names()).toEqual(["two"]);
});

describe("a cluster with a lease", () => {
  beforeEach(async () => {
    live.refuseIf(keepsClusters(ledger));
    await ledger.commit(aChange(aLeasedRequest({}, { id: "r-1", version: 1 })));
  });

  test.each([
    ["stays", configText.replace("  staging:", "  renamed:"), "it would be removed"],
    ["stays the same one", configText.replace("staging-eks", "other-eks"), "it would become another EKS cluster"],
  ])("%s: otherwise nothing could end it", async (_, text, what) => {
    const offer = await live.offer(text);

    expect(offer).toMatchObject({
      problems: [
        `clusters.staging: ${what}, but r-1 has not ended there. Keep it until then. If it was deleted, run eks-access retire staging.`,
      ],
    });
    expect(live.current().clusters.get("staging")?.eksName).toBe("staging-eks");
  });

  const lost = "clusters.staging: it would be removed, but r-1 has not ended there.";
  const other = "clusters.staging: it would become another EKS cluster, but r-1 has not ended there.";
  const wrongTime = "timing.sweepEvery: ";
  const wrongRule = "policy.rules[0]";
  const badTime = "timing: { sweepEvery: [] }\n";
  const badRule = "policy: { rules: [{ name: all, levels: 1 }] }\n";

  test.each([
    ["is gone, a time is wrong", badTime + configText.replace("  staging:", "  renamed:"), [wrongTime, lost]],
    ["is another, a time is wrong", badTime + configText.replace("staging-eks", "other-eks"), [wrongTime, other]],
    ["is another, its rule is wrong", badRule + configText.replace("staging-eks", "other-eks"), [wrongRule, other]],
    ["is there, a time is wrong", badTime + configText, [wrongTime]],
    ["is hidden by a mistake", configText.replace("staging-eks", "{}"), ["clusters.staging"]],
  ])("%s: each mistake is named", async (_, text, problems) => {
    const offer = await live.offer(text);

    expect(offer).toMatchObject({ type: "refused", problems: problems.map((each) => expect.stringContaining(each)) });
  });

  test("can be changed otherwise", async () => {
    expect(await live.offer(configText.replace("C0ACCESS", "C0OTHER"))).toMatchObject({ type: "replaced" });
  });
});
