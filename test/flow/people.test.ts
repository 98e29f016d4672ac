import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getPods } from "../../sandbox/sandbox.ts";
import {
  account,
  channel,
  clusterName,
  configuration,
  identitiesText,
  initialAwsAuth,
  region,
} from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const suffix = "0123456789abcdef";
const permissionSet = `AWSReservedSSO_Developer_${suffix}`;
const names = { alice: "alice@example.com", carol: "carol@example.com", mallory: "mallory@example.com" } as const;
const sessionOf = (name: string) => `arn:aws:sts::${account}:assumed-role/${permissionSet}/${name}`;

/** Everyone with the permission set signs in, under a name of their own, and can do nothing. */
const mapRoles = `${initialAwsAuth.mapRoles}# Terraform owns this.
- rolearn: arn:aws:iam::${account}:role/${permissionSet}
  username: sso:{{SessionNameRaw}}
  groups: []
`;
const bound = configuration.replace("groups: [eks-access:viewers]", "bind: [{ clusterRole: view, in: choose }]");
const levels = `${bound}${identitiesText}`;
const forbidden = { ok: false, output: "Error from server (Forbidden): pods is forbidden" };

let flow: Flow;
let podsOf: (name: string) => ReturnType<typeof getPods>;

beforeAll(async () => {
  flow = await startFlow({ configuration: levels, awsAuth: { mapRoles } });
  const { aws, cluster } = flow.sandbox;
  const center = aws.identityCenter;
  const [alice, carol] = [
    center.addUser({ userName: names.alice, email: "engineer@example.com" }),
    center.addUser({ userName: names.carol, email: "on-call@example.com" }),
  ];
  const developers = center.addGroup("developers", [alice, carol]);
  const arn = center.assign(center.addPermissionSet("Developer"), account, developers, suffix);
  podsOf = (name) => getPods(cluster, region, aws.account.sessionFor(arn, name));
});
afterAll(() => flow.stop());

const person = (user: string) => flow.sandbox.slack.person(user);
const reason = "look at the failing rollout";

test("of two people with one permission set Alice gets in for her lease and Carol never does; aws-auth stays byte for byte", async () => {
  const alice = person("U0ENGINEER");
  const document = JSON.stringify(flow.sandbox.cluster.awsAuth());
  const before = await podsOf(names.alice);

  await alice.command(`/eks-access request ${clusterName} viewer in default for 1h ${reason}`, channel);
  const asked = await flow.asked(reason);
  await person("U0APPROVER").click(asked, "details");
  const details = textOf(await flow.until(() => person("U0APPROVER").view()));
  await person("U0APPROVER").submit();
  const active = await flow.active();
  const told = await flow.told("`) is active until");
  const during = [await podsOf(names.alice), await podsOf(names.carol)];
  await alice.command(`/eks-access whoami ${clusterName}`, channel);
  await alice.command(`/eks-access check ${clusterName}`, channel);
  const chain = textOf(await flow.answer("U0ENGINEER", "*All leases*"));
  const checked = textOf(await flow.answer("U0ENGINEER", "*Who gets in to"));
  await alice.click(await flow.told("[I'm done]"), "done");
  const ended = await flow.until(() =>
    flow.sandbox.slack
      .replies(active)
      .map(textOf)
      .find((text) => text.includes("Ended")),
  );
  const after = [await podsOf(names.alice), await podsOf(names.carol)];

  expect(before).toEqual(forbidden);
  expect(during).toMatchObject([{ ok: true }, forbidden]);
  expect(after).toEqual([forbidden, forbidden]);
  expect(JSON.stringify(flow.sandbox.cluster.awsAuth())).toBe(document);
  expect(textOf(asked)).toContain("Only `alice@example.com` (as `Developer`) gets this.");
  expect(details).toContain("*Roles* `ClusterRole view in default`");
  expect(details).toContain("*What these roles can do*\n• `ClusterRole view` in default: read pods");
  expect(details).toContain("+RoleBinding: ClusterRole view in default");
  expect(textOf(told)).toContain(
    "✓ *authorized*: can list pods in default, not in every namespace, not as every session of the role",
  );
  expect(chain).toContain("✓ *drift* 1 active lease found in the document and the bindings");
  expect(checked).not.toContain("lease-part-removed");
  expect(ended).toContain(
    "its bindings are deleted.\n✓ *not bound*: no role is bound to sso:alice@example.com by a lease\n",
  );
  expect(ended).toContain("Open watches and exec sessions stay open.");
});

test("a person's own session, typed as an ARN by someone whom nobody looked up before, is no other person's", async () => {
  const carol = person("U0ONCALL");
  const line = (name: string) => `${clusterName} ${sessionOf(name)} viewer in default for 30m as ${name.split("@")[0]}`;

  await carol.command(`/eks-access request ${line(names.carol)}`, channel);
  const own = textOf(await flow.asked("as carol"));
  await carol.command(`/eks-access request ${line(names.mallory)}`, channel);
  const others = textOf(await flow.asked("as mallory"));

  expect(own).not.toMatch(/not own identity|no linked identity/);
  expect(others).toContain("not own identity");
  const [first, second] = await flow.until(() =>
    carol.directMessages().length > 1 ? carol.directMessages() : undefined,
  );
  for (const message of [first, second]) if (message) await carol.click(message, "cancel");
});

/** What an attacker does who has Redis, but no key: says that a person is Mallory, wherever that is remembered. */
async function forgeIdentity(user: string): Promise<void> {
  const redis = new Redis(flow.redisUrl);
  const key = `{eks-access}:identities:${user}`;
  const found = JSON.parse((await redis.hget(key, clusterName)) ?? "null");
  expect(found?.person.userName).toBe(names.alice);
  const person = { ...found.person, userName: names.mallory };
  await redis.hset(key, clusterName, JSON.stringify({ ...found, person, at: new Date().toISOString() }));
  const seal = { by: user, at: new Date().toISOString(), seal: "00000000.00" };
  const link = { arn: sessionOf(names.mallory), seal };
  await redis.hset(`{eks-access}:links:${user}`, account, JSON.stringify(link));
  redis.disconnect();
}

test("who can write to Redis names no one else for a person: Alice stays Alice, and Carol is another one", async () => {
  const [alice, carol] = [person("U0ENGINEER"), person("U0ONCALL")];
  await forgeIdentity("U0ENGINEER");

  await alice.command(`/eks-access request ${clusterName} viewer in default for 30m after the attack`, channel);
  await carol.command(`/eks-access request ${clusterName} viewer in default for 30m the same for me`, channel);
  const [hers, others] = [await flow.asked("after the attack"), await flow.asked("the same for me")];
  await alice.command("/eks-access whoami", channel);
  const known = textOf(await flow.answer("U0ENGINEER", "*Your AWS identities*"));

  expect(textOf(hers)).toContain("Only `alice@example.com` (as `Developer`) gets this.");
  expect(textOf(others)).toContain("Only `carol@example.com` (as `Developer`) gets this.");
  for (const message of [hers, others]) expect(textOf(message)).not.toMatch(/not own identity|no linked identity/);
  expect(known).toContain(`• \`${sessionOf(names.alice)}\` (IAM Identity Center)`);
  expect(known).toContain(`• \`${sessionOf(names.mallory)}\`. Your link needs renewing`);
  await alice.click(await flow.told("[Cancel]"), "cancel");
  await carol.click(await flow.until(() => carol.directMessages().at(-1)), "cancel");
});

test("the audit log says which person the lease admitted, and that the cluster remembers its revocation", async () => {
  const { verdict, events } = await auditOf(flow.redisUrl);
  const detailOf = (type: string) => events.find(({ event }) => event.type === type)?.event.detail;

  expect(verdict.type).toBe("whole");
  expect(detailOf("request.created")).toMatchObject({
    admits: "only alice@example.com (as Developer)",
    namespaces: "default",
    groups: ["ClusterRole view in default"],
  });
  expect(detailOf("lease.ended")).toMatchObject({ authorized: "no", cause: "revoked" });
  expect(detailOf("lease.ended")).not.toHaveProperty("remembered");
});
