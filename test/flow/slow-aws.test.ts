import { afterEach, describe, expect, test } from "vitest";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { shareFlow } from "./share-flow.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const ask = (flow: Flow, principal: string, reason: string) =>
  flow.sandbox.slack
    .person("U0ENGINEER")
    .command(`/eks-access request ${clusterName} ${principal} viewer for 30m ${reason}`, channel);
const approve = async (flow: Flow, reason: string) =>
  flow.sandbox.slack.person("U0APPROVER").click(await flow.asked(reason), "approve");
const ofRequest = (flow: Flow, reason: string, text: string) => () =>
  flow.messages().findLast((each) => wholeTextOf(each).includes(reason) && textOf(each).includes(text));

describe("while AWS does not answer for one request", () => {
  let flow: Flow;
  afterEach(() => flow.stop());

  test("access that is revoked on the same cluster ends", async () => {
    const patient = `${configuration}  deadlines: { awsCall: 10m, run: 10m }\n`;
    flow = await startFlow({ configuration: patient, environment: { STOP_DEADLINE: "1s" } });
    await ask(flow, arns.engineer, "read alpha");
    await approve(flow, "read alpha");
    const active = await flow.active();
    await ask(flow, arns.onCall, "read beta");
    await flow.asked("read beta");
    const { struck } = flow.sandbox.faults.plan("sts.AssumeRole", { type: "hang" });
    await approve(flow, "read beta");
    await struck;

    const [id = ""] = /r-[a-z0-9]{8}/.exec(JSON.stringify(active.blocks)) ?? [];
    await flow.sandbox.slack.person("U0ENGINEER").command(`/eks-access revoke ${id} done`, channel);
    await flow.until(ofRequest(flow, "read alpha", "Ended"));

    const { types } = await auditOf(flow.redisUrl);
    expect(types.filter((type) => type === "lease.ended")).toHaveLength(1);
    expect(types.filter((type) => type === "lease.active")).toHaveLength(1);
    expect(flow.sandbox.cluster.awsAuth()?.data?.mapUsers ?? "").not.toContain(arns.engineer);
  });
});

describe("while AWS does not answer one call", () => {
  // The run has time for the second call, however slow the machine is.
  const flow = shareFlow({ configuration: `${configuration}  deadlines: { awsCall: 6s, run: 10m }\n` });

  test("another person's lease on the same cluster needs no other try: it is in force when the call was made again", async () => {
    await ask(flow(), arns.engineer, "read alpha");
    await flow().asked("read alpha");
    await ask(flow(), arns.onCall, "read beta");
    await flow().asked("read beta");
    const { struck } = flow().sandbox.faults.plan("sts.AssumeRole", { type: "hang" });
    await approve(flow(), "read alpha");
    await struck;

    await approve(flow(), "read beta");
    await flow().until(ofRequest(flow(), "read beta", "Active"));
    await flow().until(ofRequest(flow(), "read alpha", "Active"));

    expect((await auditOf(flow().redisUrl)).types).not.toContain("lease.delayed");
  });

  test("the call is given up within seconds and made again in the same run: no one waits for another try", async () => {
    await ask(flow(), arns.engineer, "read alpha");
    await flow().asked("read alpha");
    flow().sandbox.faults.plan("sts.AssumeRole", { type: "hang" });
    const before = flow().sandbox.faults.calls("sts.AssumeRole");

    await approve(flow(), "read alpha");
    await flow().active();

    const { types } = await auditOf(flow().redisUrl);
    expect(flow().sandbox.faults.calls("sts.AssumeRole") - before).toBe(2);
    expect(types).not.toContain("lease.delayed");
  });
});
