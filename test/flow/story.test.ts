import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NewCluster } from "../../sandbox/aws/eks-clusters.ts";
import { account, arns, channel, clusterName, externalId, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { recordOf } from "../sandbox/aws/creator-records.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const ask = (rest: string, principal: string = arns.engineer) =>
  `/eks-access request ${clusterName} ${principal} viewer ${rest}`;

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow();
});
afterAll(() => flow.stop());

describe("the main job, end to end", () => {
  test("from Unauthorized through request, approval and proof to access, and back to Unauthorized at the end of the lease", async () => {
    const { sandbox } = flow;
    const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];
    const before = await sandbox.getPods();
    await engineer.openHome();
    const home = (text: string) =>
      flow.until(() => [engineer.home()].find((view) => view && textOf(view).includes(text)));
    await home("*Your access*: none");

    const ack = await engineer.command(ask("for 2m look into the failing rollout"), channel);
    await approver.click(await flow.message("[Approve]"), "approve");
    const active = await flow.message("*Active*");
    const told = await flow.told("`) is active until");
    const during = await sandbox.getPods();
    const held = await home("*Active*");
    flow.moveClock(95);
    await flow.told("ends ");
    flow.moveClock(125);
    const ended = await flow.message("*Ended*");
    const after = await sandbox.getPods();

    expect(before.output).toBe("error: You must be logged in to the server (Unauthorized)");
    expect(ack.status).toBe(200);
    expect(textOf(told)).toContain("✓ *mapped*");
    expect(textOf(told)).toContain("✓ *authorized*: can list pods in default");
    expect(textOf(told)).toContain("*signed in* not tested");
    expect(textOf(told)).toContain("aws eks update-kubeconfig --region eu-central-1 --name staging");
    expect(during).toMatchObject({ ok: true });
    expect(held && textOf(held)).toContain("*Active*. Ends ");
    expect(await home("*Your access*: none")).toBeDefined();
    const thread = () => sandbox.slack.replies(active).map(textOf).join("\n");
    await flow.until(() => (thread().includes("Ended") ? thread() : undefined));
    expect(thread()).toMatch(
      /^Approved by <@U0APPROVER> .*\.\nActive since .*\n(?:Ends .*\n)?Ended .*: the entry is gone from aws-auth\.\n✓ \*not mapped\*: .*\n✓ \*not authorized\*: can't list pods in default, .*\nNot proved: .*$/,
    );
    expect(ended.ts).toBe(active.ts);
    expect(after.output).toBe("error: You must be logged in to the server (Unauthorized)");
    expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(sandbox.cluster.awsAuth()?.metadata.annotations ?? {}).toEqual({});
  });

  test("the audit log shows each change once, in a whole chain", async () => {
    const { verdict, types } = await auditOf(flow.redisUrl);

    expect(verdict.type).toBe("whole");
    expect(types.slice(0, 6)).toEqual([
      "request.created",
      "request.previewed",
      "request.approved",
      "lease.writing",
      "lease.active",
      "lease.warned",
    ]);
    expect(types[6]).toBe("lease.ended");
  });

  test("the audit log shows from where in Slack a person asked and decided", async () => {
    const { events } = await auditOf(flow.redisUrl);
    const [request] = events.filter(({ event }) => event.type === "request.created");
    const [approval] = events.filter(({ event }) => event.type === "request.approved");
    const message = flow.sandbox.slack.messages(channel)[0];

    expect(request?.event.detail.slack).toEqual({ channel, command: "/eks-access" });
    expect(approval?.event.detail.slack).toEqual({ channel, message: message?.ts });
  });

  test("CloudTrail shows the person for which the worker became the creator", async () => {
    const assumed = flow.sandbox.aws.cloudTrail.events.filter((event) => JSON.stringify(event).includes("AssumeRole"));

    const sessions = assumed.map((event) => JSON.stringify(event));
    expect(sessions.filter((text) => /eks-access-U0ENGINEER-r-[a-z0-9]{8}/.test(text)).length).toBeGreaterThan(0);
  });

  test("the audit log names the session of CloudTrail that a write was made with", async () => {
    const { events } = await auditOf(flow.redisUrl);

    const active = events.map(({ event }) => event).find(({ type }) => type === "lease.active");
    const session = flow.sandbox.aws.cloudTrail.events.find(({ record }) =>
      JSON.stringify(active?.detail.awsRequests).includes(`"sts:AssumeRole":["${record.requestID}"]`),
    );
    expect(JSON.stringify(session?.record.requestParameters)).toContain(active?.request);
  });

  test("the form asks the same, and shows its mistakes at their fields", async () => {
    const engineer = flow.sandbox.slack.person("U0ENGINEER");
    await engineer.command("/eks-access request", channel);
    await flow.sandbox.slack.until(() => engineer.view());

    // The level is the one that was asked for last.
    await engineer.submit({
      "IAM role or user": "arn:aws:iam::111122223333:role/team/developers",
      "For how long": "30m",
      Why: "read the logs",
    });
    const errors = engineer.view()?.errors;
    await engineer.submit({ "IAM role or user": arns.engineer });

    expect(errors?.["principal/0"]).toContain("arn:aws:iam::111122223333:role/developers");
    expect(engineer.view()).toBeUndefined();
    expect(textOf(await flow.told("to decide about"))).toContain("`viewer` on `staging`");
    expect(textOf(await flow.asked("read the logs"))).toContain("[Approve] [Deny]");
  });

  test("a denial changes nothing in the cluster, and the requester learns who denied it", async () => {
    const resourceVersion = flow.sandbox.cluster.awsAuth()?.metadata.resourceVersion;

    const approver = flow.sandbox.slack.person("U0APPROVER2");
    await approver.click(await flow.asked("read the logs"), "deny");
    await flow.until(() => approver.view());
    await approver.submit({ why: "read them in the console" });
    const denied = await flow.message("Denied by <@U0APPROVER2>");

    expect(textOf(denied)).not.toContain("[Approve]");
    expect(textOf(await flow.told("`) was denied by"))).toContain("read them in the console");
    expect(flow.sandbox.cluster.awsAuth()?.metadata.resourceVersion).toBe(resourceVersion);
  });

  test("no one decides about their own request, and a person who is no approver learns who is", async () => {
    const { sandbox } = flow;
    // A first request links its principal: who is linked with the engineer's could approve none of the engineer's requests.
    await sandbox.slack.person("U0APPROVER").command(ask("for 1m approve myself", arns.developers), channel);
    const message = await flow.asked("approve myself");

    await sandbox.slack.person("U0APPROVER").click(message, "approve");
    await sandbox.slack.person("U0ONCALL").click(message, "approve");

    expect(textOf(await flow.answer("U0APPROVER", "own request"))).toContain("Ask <@U0APPROVER2>.");
    expect(textOf(await flow.answer("U0ONCALL", "Only approvers of"))).toContain("Ask <@U0APPROVER2>.");
    expect(textOf(await flow.asked("approve myself"))).toContain("[Approve]");
  });

  test("two clicks at once: one wins, the other learns who was first", async () => {
    const { sandbox } = flow;
    await sandbox.slack.person("U0ENGINEER").command(ask("for 1m race"), channel);
    const message = await flow.asked("race");

    await Promise.all(["U0APPROVER", "U0APPROVER2"].map((id) => sandbox.slack.person(id).click(message, "approve")));
    const active = await flow.active();
    const thread = sandbox.slack.replies(active).map(textOf).join();

    const winner = thread.includes("Approved by <@U0APPROVER>") ? "U0APPROVER" : "U0APPROVER2";
    const loser = winner === "U0APPROVER" ? "U0APPROVER2" : "U0APPROVER";
    expect(textOf(await flow.answer(loser, "Already handled"))).toContain(`<@${winner}>`);
    const { types } = await auditOf(flow.redisUrl);
    expect(types.filter((type) => type === "request.approved")).toHaveLength(2);
  });

  test("whoami shows the person, the linked principal, and who AWS says the worker is", async () => {
    await flow.sandbox.slack.person("U0ENGINEER").command("/eks-access whoami", channel);

    const answer = textOf(await flow.answer("U0ENGINEER", "*The worker*"));

    expect(answer).toContain("<@U0ENGINEER>");
    expect(answer).toContain(arns.engineer);
    expect(answer).toContain("arn:aws:sts::111122223333:assumed-role/eks-access-worker/");
    expect(answer).toContain("`staging` (`r-");
  });

  test("a line with mistakes is answered with what was understood and a line to copy", async () => {
    await flow.sandbox.slack
      .person("U0ENGINEER")
      .command(`/eks-access request stagin ${arns.engineer} viewer for 4x`, channel);

    const answer = textOf(await flow.answer("U0ENGINEER", "No request made"));

    expect(answer).toContain(`Understood: principal \`${arns.engineer}\``);
    expect(answer).toContain("There is no cluster stagin");
    expect(answer).toContain(`/eks-access request staging ${arns.engineer} viewer for <duration> <reason>`);
  });

  test("an unknown command is answered with the nearest one, and help all lists them", async () => {
    await flow.sandbox.slack.person("U0ONCALL").command("/eks-access whomai", channel);
    await flow.sandbox.slack.person("U0ONCALL").command("/eks-access help all", channel);

    expect(textOf(await flow.answer("U0ONCALL", "There is no command"))).toContain("/eks-access whoami");
    expect(textOf(await flow.answer("U0ONCALL", "opens a form"))).toContain("/eks-access request");
  });
});

const arn = `arn:aws:eks:${region}:${account}:cluster/${clusterName}`;
const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3_600_000);

describe("what a person on call asks a worker:", () => {
  /** The cluster was created at this time by this creator, and CloudTrail recorded it so. */
  const created = (how: Pick<NewCluster, "createdAt" | "recordedAs"> & { by?: string }) => {
    const { aws, cluster } = flow.sandbox;
    aws.removeCluster(arn);
    aws.addCluster({ ...cluster, region, creatorArn: how.by ?? arns.creator, ...how });
  };
  /** What a person reads who asks now. */
  const say = async (line: string): Promise<string> => {
    const { slack } = flow.sandbox;
    const { seen } = await slack.person("U0ONCALL").command(`/eks-access ${line}`, channel);
    return textOf(await slack.until(() => seen()[0]));
  };
  const ask = (name: string) => say(`creator ${name}`);

  test("creator says that the configuration and CloudTrail name the same role, and that the worker can become it", async () => {
    const answer = await ask(clusterName);

    expect(answer).toContain(`*Configured* \`${arns.creator}\``);
    expect(answer).toContain("*CloudTrail* ✓ the same, as `AssumedRole` (event ");
    expect(answer).toContain("*The worker* ✓ can act as it");
  });

  test("says it where another role has created the cluster", async () => {
    created({ by: arns.admins, createdAt: daysAgo(1) });

    const answer = await ask(clusterName);

    expect(answer).toContain(`*CloudTrail* ✗ \`${arns.admins}\`, not the configured one`);
  });

  test("says it where the root user, or a service for a person, has created the cluster", async () => {
    created({ recordedAs: recordOf("Root", arns.creator), createdAt: daysAgo(2) });
    const root = await ask(clusterName);
    created({ recordedAs: recordOf("AWSService", arns.creator), createdAt: daysAgo(3) });
    const service = await ask(clusterName);

    expect(root).toContain("✗ the root user, which no worker can use");
    expect(service).toContain("✗ AWSService through `cloudformation.amazonaws.com`, which no worker can use");
  });

  test("says that CloudTrail keeps 90 days where it has no record any more", async () => {
    created({ recordedAs: "none", createdAt: daysAgo(100) });

    const answer = await ask(clusterName);

    expect(answer).toContain("*CloudTrail* – no record in `eu-central-1`: CloudTrail keeps 90 days\n");
    expect(answer).toContain("*The worker* ✓ can act as it");
  });

  test("says that CloudTrail was not asked where the worker may not", async () => {
    created({ createdAt: daysAgo(4) });
    const { account: iam } = flow.sandbox.aws;
    const allowed = iam.identity(arns.worker)?.allow ?? [];
    iam.setAllowed(
      arns.worker,
      allowed.filter((action) => action !== "cloudtrail:LookupEvents"),
    );

    const answer = await ask(clusterName);
    iam.setAllowed(arns.worker, allowed);

    expect(answer).toContain("*CloudTrail* – not asked: AWS refused cloudtrail:LookupEvents in eu-central-1");
    expect(answer).toContain("*The worker* ✓ can act as it");
  });

  test("says why the worker can't become the creator, and what CloudTrail knows all the same", async () => {
    created({ createdAt: daysAgo(5) });
    flow.sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    const answer = await ask(clusterName);
    flow.sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });

    expect(answer).toContain("*The worker* ✗ can't act as it: AWS refused sts:AssumeRole");
    expect(answer).toContain("*CloudTrail* ✓ the same");
  });

  test("whoami of the cluster goes the whole way, and says that no one is linked yet", async () => {
    const answer = await say(`whoami ${clusterName}`);

    // An API server older than 1.28 does not say it, and then the answer does not claim it.
    expect(answer).toMatch(/✓ each tested step works; not tested: (the API server, )?you, your pods/);
    expect(answer).toMatch(
      /✓ \*the API server\* knows us as `kubernetes-admin` in `system:masters`|– \*the API server\* not tested: it accepted us, but does not say as which user/,
    );
    expect(answer).toMatch(/✓ \*the creator\* .*eks-access-U0ONCALL-whoami`$/m);
  });

  test("link, and then why of the linked principal", async () => {
    await say(`link ${arns.onCall}`);

    const answer = await say(`why ${clusterName}`);

    expect(answer).toContain("kubectl says `You must be logged in to the server (Unauthorized)`");
    expect(answer).toContain(`Request access: \`/eks-access request ${clusterName} ${arns.onCall} …\`.`);
  });

  test("check reads the live document", async () => {
    expect(await say(`check ${clusterName}`)).toContain(`*aws-auth of \`${clusterName}\`* ✓`);
  });

  test("guesses at an unknown cluster", async () => {
    expect(await ask("stagin")).toContain("There is no cluster `stagin`. Did you mean `staging`?");
  });
});
