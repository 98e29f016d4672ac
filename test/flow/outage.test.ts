import { describe, expect, test } from "vitest";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { shareFlow } from "./share-flow.ts";

const ask = (rest: string) => `/eks-access request ${clusterName} ${arns.engineer} viewer for 10m ${rest}`;

/** Until the test has seen what it does: a message shows only the newest state, and on a slow machine the next try is sooner. */
const forLong = { times: Number.POSITIVE_INFINITY };

describe("an outage", () => {
  const flow = shareFlow();
  /** Seconds that both processes are ahead. */
  let ahead = 0;
  const pass = (seconds: number) => {
    ahead += seconds;
    flow().moveClock(ahead);
  };
  const texts = () => flow().messages().map(textOf);
  const posted = (part: string, count = 1) =>
    flow().until(() => texts().filter((text) => text.includes(part))[count - 1]);
  const told = async (part: string) => textOf(await flow().told(part));
  const request = (reason: string) => flow().sandbox.slack.person("U0ENGINEER").command(ask(reason), channel);
  const answering = (call: string, status: number, message: string, headers = {}) => {
    const body = JSON.stringify({ kind: "Status", status: "Failure", message, code: status });
    return flow().sandbox.faults.plan(call, { type: "answer", status, body, headers }, forLong);
  };

  // First: nothing else becomes the creator meanwhile.
  test("of AWS during a sign-in: the next worker signs in as the role that failed, and everyone learns how it went", async () => {
    const { slack, faults } = flow().sandbox;
    await slack
      .person("U0ENGINEER")
      .command(`/eks-access request ${clusterName} ${arns.developers} viewer for 10m look`, channel);
    const asked = await flow().asked("look");
    // The run and the sign-in job become the creator first.
    faults.plan("sts.AssumeRole", { type: "cut-before" }, { nth: 3, times: 1_000 });

    await slack.person("U0APPROVER").click(asked, "approve");
    const told = textOf(await flow().told("`) is active until"));
    await flow().worker().kill();
    faults.clear();
    await flow().startWorker();
    const proved = textOf(await flow().told("✓ *signed in*"));

    expect(told).toContain("*signed in* not tested: the worker is trying it");
    expect(told).toMatch(/:warning: Signing in: Tried (once|\d+ times); next try .*\n>Can't reach AWS/);
    expect(proved).not.toContain(":warning:");
    const thread = () => slack.replies(asked).map(textOf).join("\n");
    await flow().until(() => thread().includes("The proof is complete") || undefined);
    expect(thread()).toContain("Retrying:\n>Can't reach AWS");
    expect((await auditOf(flow().redisUrl)).types.slice(-2)).toEqual(["lease.sign-in-delayed", "lease.signed-in"]);
  });

  test("that closes the cluster, an API server's 500, is one post, and so is its end; the engineer has one line", async () => {
    const outage = answering("kubernetes.get-configmap", 500, "etcdserver: no leader");
    // The next job comes after the cluster's memory is due to be read again, which closes the cluster.
    pass(92);
    await request("debug");
    await request("debug more");
    const line = await told("I keep trying");
    await flow().worker().logged("could not work on the cluster");
    pass(61);
    const post = await posted("etcdserver: no leader");
    outage.cancel();
    await posted("`staging` works again");
    await flow().message("[Approve]");

    expect(post).toMatch(/answered 500 .*etcdserver: no leader\. Check the cluster's health/);
    expect(line).not.toContain("etcdserver");
    expect(texts().filter((text) => /can't work on|works again|Requests for/.test(text))).toEqual([
      post,
      expect.stringContaining("`staging` works again"),
    ]);
  });

  test("that only some calls meet, a 503 of each write, is one post with its remedy, and the next one is news", async () => {
    for (const count of [1, 2]) {
      const outage = answering("kubernetes.dry-run-configmap", 503, "overloaded", { "retry-after": "60" });
      await request(`look at ${count}`);
      const asked = await flow().asked(`look at ${count}`);
      await flow().sandbox.slack.person("U0APPROVER").click(asked, "approve");
      const post = await posted("Requests for `staging` wait", count);
      const line = await told("I keep trying");
      outage.cancel();
      pass(61);
      await posted("`staging` works again.*", count);

      expect(post).toMatch(/answered 503 .*overloaded.*\nThe worker retries each minute\.$/s);
      expect(line).not.toContain("overloaded");
    }
    expect(await told("`) is active until")).toContain("aws eks update-kubeconfig");
    expect(texts().filter((text) => /Requests for|works again/.test(text))).toHaveLength(4);
  });
});
