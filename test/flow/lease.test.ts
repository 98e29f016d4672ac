import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, channel, clusterName, configuration, initialAwsAuth } from "../../sandbox/scene.ts";
import type { CommandAnswer, SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { shareFlow } from "./share-flow.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const ownEntry = `- userarn: ${arns.engineer}\n  username: engineer\n  groups:\n  - developers # since 2019\n`;

/** What the tests say and see of a flow: each finds its messages by its own reason. */
function acting(flow: () => Flow) {
  const person = (id: string) => flow().sandbox.slack.person(id);
  const find = (reason: string, text: string) =>
    flow().until(() =>
      flow()
        .messages()
        .findLast((message) => wholeTextOf(message).includes(reason) && textOf(message).includes(text)),
    );
  const approve = async (reason: string) => person("U0APPROVER").click(await find(reason, "[Approve]"), "approve");
  const active = (reason: string) => find(reason, "*Active*");
  return {
    person,
    find,
    approve,
    active,
    data: () => flow().sandbox.cluster.awsAuth()?.data ?? {},
    ended: (reason: string) => find(reason, "*Ended*"),
    /** Asks and has it approved; the id of the request. */
    get: async (level: string, duration: string, reason: string): Promise<string> => {
      const line = `request ${clusterName} ${arns.engineer} ${level} for ${duration} ${reason}`;
      await person("U0ENGINEER").command(`/eks-access ${line}`, channel);
      await approve(reason);
      return /r-[a-z0-9]{8}/.exec(JSON.stringify((await active(reason)).blocks))?.[0] ?? "";
    },
    /** What the thread of a message says of the end of its lease. */
    endOf: (message: SandboxMessage) =>
      flow().until(() =>
        flow()
          .sandbox.slack.replies(message)
          .map(textOf)
          .find((text) => text.includes("Ended ")),
      ),
  };
}

const inspecting = { configuration: configuration.replace("sweepEvery: 1s", "sweepEvery: 1s\n  inspectEvery: 1s") };

describe("a lease", () => {
  const flow = shareFlow(inspecting);
  const { person, find, active, ended, endOf, get, data } = acting(flow);

  test("is revoked by who holds it, with the reason, and the document is as before", async () => {
    const id = await get("viewer", "1h", "debug");

    await person("U0ENGINEER").command(`/eks-access revoke ${id} found the bug`, channel);
    const message = textOf(await ended("debug"));

    expect(message).toContain("revoked by <@U0ENGINEER>");
    expect(data()).toEqual(initialAwsAuth);
  });

  test("overlapping leases of one principal add up and end apart, and what was there before stays to the byte", async () => {
    const own = { ...initialAwsAuth, mapUsers: ownEntry };
    await flow().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: own }));

    const first = await get("viewer", "1h", "read logs");
    await get("admin", "30m", "restart a pod");
    const both = data().mapUsers;
    await person("U0APPROVER").command(`/eks-access revoke ${first}`, channel);
    const firstEnded = await endOf(await ended("read logs"));
    const one = data().mapUsers;
    await person("U0APPROVER").click(await active("restart a pod"), "revoke");
    await flow().until(() => person("U0APPROVER").view());
    await person("U0APPROVER").submit({ why: "it runs again" });
    await ended("restart a pod");

    expect(both).toContain("eks-access:viewers");
    expect(both).toContain("eks-access:admins");
    expect(firstEnded).toContain(
      "the principal still has `engineer` with `developers`, `eks-access:admins` through aws-auth",
    );
    expect(one).not.toContain("eks-access:viewers");
    expect(one).toContain("eks-access:admins");
    expect(data()).toEqual(own);
  });

  test("that is revoked closes the extension that waits", async () => {
    const id = await get("viewer", "1h", "long job");
    await person("U0ENGINEER").command(`/eks-access extend ${id} for 1h`, channel);
    const waiting = textOf(await find("to extend", "[Approve]"));

    await person("U0APPROVER").command(`/eks-access revoke ${id}`, channel);
    await ended("long job");
    const closed = wholeTextOf(await find("long job", `Refused*: “${id} has ended`));

    expect(waiting).not.toContain("other leases");
    expect(closed).toContain(`${id} has ended. Request access again`);
    expect(closed).not.toContain("[Approve]");
    expect(data()).toEqual(initialAwsAuth);
  });

  test("whose entry a person removed is reported with who did it, and not restored without a setting", async () => {
    await get("viewer", "1h", "debug");

    const theirs = { ...initialAwsAuth, mapUsers: "- userarn: arn:aws:iam::111122223333:user/ops\n  username: ops\n" };
    await flow().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: theirs }), "terraform");
    const message = wholeTextOf(await find("debug", "*Access lost*"));

    expect(message).toContain("terraform wrote mapUsers last");
    expect(message).not.toContain("✓ *mapped*");
    expect(textOf(await flow().told("is lost: "))).toContain("terraform");
    expect(data()).toEqual(theirs);
  });

  test("ends in time although a person forged the annotation, and the attempt is in the audit log", async () => {
    await get("viewer", "2m", "debug");
    const forged = JSON.stringify({ v: 1, held: [], gone: [], before: null, seal: "00000000.00" });

    await flow().sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      metadata: { ...configMap.metadata, annotations: { "eks-access/leases": forged } },
    }));
    const refusals = async () =>
      (await auditOf(flow().redisUrl)).types.filter((type) => type === "annotation.refused").length;
    await expect.poll(refusals).toBeGreaterThan(0);
    const { cluster } = flow().sandbox;
    // The run that found it replaces it. A clock that moves before that would make one attempt two.
    await expect.poll(() => cluster.awsAuth()?.metadata.annotations?.["eks-access/leases"]).not.toBe(forged);
    flow().moveClock(125);
    await ended("debug");

    expect(data()).toEqual(initialAwsAuth);
    expect(await refusals()).toBe(1);
  });

  test("ends in time although a person stripped the annotation", async () => {
    await get("viewer", "2m", "debug");

    await flow().sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      metadata: { ...configMap.metadata, annotations: {} },
    }));
    flow().moveClock(250);
    await ended("debug");

    expect(data()).toEqual(initialAwsAuth);
  });
});

describe("a lease of a flow of its own", () => {
  let flow: Flow;
  const { person, find, endOf, get } = acting(() => flow);
  /** Acts until it is seen: once the clock has moved, a busy Slack can confirm the account too late, and people read to try again. */
  const again = async <T>(act: () => Promise<CommandAnswer>, find: () => T | undefined): Promise<T> => {
    const { seen } = await act();
    const isRefused = () => seen().some((each) => textOf(each).includes("did not confirm the account. Try again"));
    return (await flow.until(() => find() ?? (isRefused() ? null : undefined))) ?? again(act, find);
  };
  const activeOnes = (reason: string) =>
    flow
      .messages()
      .map(wholeTextOf)
      .filter((text) => text.includes(reason) && text.includes("*Active*")).length;

  beforeEach(async () => {
    flow = await startFlow(inspecting);
  });
  afterEach(() => flow.stop());

  test("is announced to end, and is extended by a request of its own under the same rule", async () => {
    await get("viewer", "4m", "long job");

    flow.moveClock(185);
    const warning = await flow.told("ends ");
    const extend = () => person("U0ENGINEER").click(warning, "extend");
    const form = await again(extend, () => person("U0ENGINEER").view());
    await person("U0ENGINEER").submit({});
    const asked = await find("to extend", "[Approve]");
    const approveIt = () => person("U0APPROVER").click(asked, "approve");
    await again(approveIt, () => activeOnes("long job") === 2 || undefined);
    flow.moveClock(245);
    const card = await find("long job", "Extended by");
    const first = await endOf(card);
    const pods = await flow.sandbox.getPods();

    expect(textOf(warning)).toContain("[Extend] [I'm done]");
    expect(JSON.stringify(form.blocks)).toContain("30m more, until <!date^");
    expect(first).toContain("the principal still has");
    expect(textOf(await find("long job", "Extended by"))).not.toMatch(/\[(Extend|Revoke|Request again)\]/);
    expect(pods.ok).toBe(true);
  });
});
