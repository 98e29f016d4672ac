import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readApiRequest } from "../../sandbox/cluster/api-server.ts";
import { group } from "../../sandbox/cluster/default-roles.ts";
import { rule } from "../../sandbox/cluster/rbac.ts";
import type { SandboxCall } from "../../sandbox/http-server.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { arns, channel, clusterName, externalId } from "../../sandbox/scene.ts";
import { configurationOf } from "../../sandbox/scene-clusters.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { neededActs, operatorRules } from "../../src/access/policy/operator-rights.ts";
import { clusterIn, configOf } from "../builders/a-cluster.ts";
import { addOperator, bootstrapIn, operatorArn, timesCreator } from "../operator-scene.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

/** Of each way of giving access a level: a ClusterRole everywhere, one where the person chooses, a Role, and a group. */
const levels = `levels:
  viewer: { bind: [{ clusterRole: view, in: all }], maxDuration: 8h, verify: [{ verb: list, resource: pods }] }
  editor: { bind: [{ clusterRole: edit, in: choose }], maxDuration: 1h }
  shopper: { bind: [{ role: shopper, in: [default] }], maxDuration: 1h }
  grouped: { groups: [eks-access:viewers], maxDuration: 1h }
`;
const text = configurationOf({ everyMode: true })
  .replace(/^levels:[\s\S]*?(?=^timing)/m, levels)
  .replaceAll("levels: [viewer, admin]", "levels: [viewer, editor, shopper, grouped]")
  .replaceAll(
    /^ {4}creator:/gm,
    `    operator: { roleArn: "${operatorArn}", externalId: ${externalId} }\n    creator:`,
  );

/** The policy that we ship, for this cluster and these people: only looking is allowed elsewhere. */
const entryPolicy = readFileSync(new URL("../../deploy/iam/operator-policy.json", import.meta.url), "utf8")
  .replaceAll("cluster/payments", "cluster/analytics")
  .replaceAll("access-entry/payments", "access-entry/analytics")
  .replaceAll("role/team/*", "user/*");

const calls: SandboxCall[] = [];
let flow: Flow;
let asCreator: number;

async function prepare(sandbox: Sandbox, redisUrl: string): Promise<void> {
  addOperator(sandbox.aws);
  await sandbox.cluster.setRbac({
    roles: [{ name: "shopper", namespace: "default", rules: [rule("", "services", ["list"])] }],
    bindings: [group("eks-access-viewers", "view", "eks-access:viewers")],
  });
  sandbox.aws.account.setPolicy(operatorArn, entryPolicy);
  for (const cluster of [clusterName, "analytics"]) {
    const { code, stdout } = await bootstrapIn(sandbox, redisUrl, cluster, "--apply");
    if (code !== 0) throw new Error(stdout);
  }
  asCreator = timesCreator(sandbox.aws);
  calls.length = 0;
}

beforeAll(async () => {
  flow = await startFlow({
    configuration: text,
    everyMode: true,
    prepare,
    slackRateLimits: false,
    onCall: (call) => calls.push(call),
  });
});
afterAll(() => flow.stop());

const person = (user: string) => flow.sandbox.slack.person(user);
const requests = [
  [`staging ${arns.engineer} viewer`, "look around"],
  [`staging ${arns.engineer} editor in default`, "fix the rollout"],
  [`staging ${arns.engineer} shopper`, "look at a service"],
  [`staging ${arns.developers} grouped`, "let the team look"],
  [`analytics ${arns.engineer} grouped`, "look by an access entry"],
] as const;

async function playLease(what: string, why: string): Promise<void> {
  await person("U0ENGINEER").command(`/eks-access request ${what} for 1h ${why}`, channel);
  const asked = await flow.asked(why);
  const [id] = /r-[a-z0-9]{8}/.exec(JSON.stringify(asked)) ?? [];
  await person("U0APPROVER").click(asked, "approve");
  const card = (state: string) =>
    flow.until(() =>
      flow.messages().findLast((each) => [why, state].every((part) => wholeTextOf(each).includes(part))),
    );
  await card("*Active*");
  await person("U0APPROVER").command(`/eks-access revoke ${id} enough`, channel);
  await card("Ended");
}

/** What the operator asked the API server for, as verb and resource; a dry run needs the right to the write itself. */
function askedFor(): ReadonlySet<string> {
  const verbs: Readonly<Record<string, string>> = { replace: "update", "dry-run": "update" };
  const own = calls.filter(({ by }) => by?.startsWith("eks-access:operator:"));
  return new Set(
    own.map(({ call }) => {
      const name = call
        .replace("kubernetes.", "")
        .replace("self-subject", "selfsubject")
        .replace("subject-", "subject");
      const review = /^(\w*subject)(?:access-|access|)-?review$/.exec(name);
      if (review) return `create ${name.replaceAll("-", "")}s`;
      const [, verb = "", thing = ""] = /^(dry-run|\w+)-(\w+)$/.exec(name) ?? [];
      return `${verbs[verb] ?? verb} ${thing.replace(/s?$/, "s")}`;
    }),
  );
}

test("from a bootstrap through every kind of lease to its end no run becomes the creator, with no right too many and none missing", async () => {
  for (const [what, why] of requests) await playLease(what, why);
  for (const line of ["check", "whoami", "creator"]) {
    await person("U0APPROVER").command(`/eks-access ${line} ${clusterName}`, channel);
  }
  await person("U0APPROVER").command(`/eks-access why ${clusterName} ${arns.engineer}`, channel);
  await flow.answer("U0APPROVER", "*Who created");
  await flow.answer("U0APPROVER", "*Who gets in to");
  const chain = textOf(await flow.answer("U0APPROVER", "*The way in*"));

  const { types, events } = await auditOf(flow.redisUrl);
  const refused = calls.filter(({ by, status }) => by?.startsWith("eks-access:operator:") && status === 403);
  const cluster = clusterIn(configOf(text), clusterName);
  const rights = neededActs(operatorRules({ readsAwsAuth: true, cluster }));
  // The API server asks for `bind` while it creates a binding, so no call shows it.
  const given = new Set(
    rights.filter(({ verb }) => verb !== "bind").map(({ verb, resource }) => `${verb} ${resource}`),
  );

  expect(timesCreator(flow.sandbox.aws)).toBe(asCreator);
  expect(events.flatMap(({ event }) => (event.type === "creator.used" ? event.cluster : []))).toEqual(["staging"]);
  expect(types.filter((type) => type === "lease.ended")).toHaveLength(requests.length);
  expect(chain).toContain("the worker acts as the operator");
  expect(refused).toEqual([]);
  expect([...askedFor()].toSorted()).toEqual([...given].toSorted());
});

test("of ConfigMaps the operator touched those by name that its role has, and no others", () => {
  // A real API server's own log is not read.
  const log = flow.sandbox.cluster.auditLog().filter(({ username }) => username?.startsWith("eks-access:operator:"));
  const names = log.flatMap(({ requestURI, verb }) => {
    const url = new URL(requestURI, "https://cluster");
    const asked = readApiRequest({ method: verb === "update" ? "PUT" : "GET", url });
    return asked.type === "resource" && asked.resource === "configmaps" ? [asked.name ?? "all"] : [];
  });

  const own = ["aws-auth", "eks-access-last-good", "eks-access-withdrawals"];
  expect([...new Set(names)].filter((name) => !own.includes(name))).toEqual([]);
});
