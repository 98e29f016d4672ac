import { beforeAll, beforeEach, expect, test } from "vitest";
import { jsonError } from "../../../sandbox/aws/refusal.ts";
import { account, arns, configuration, externalId, initialAwsAuth, region } from "../../../sandbox/scene.ts";
import { type EmailStatement, readIdentities, sealEmail } from "../../../src/access/found-identities.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { reportIdentities } from "../../../src/worker/questions/identities.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const name = "AWSReservedSSO_Developer_0123456789abcdef";
const mapRoles = `${initialAwsAuth.mapRoles}- rolearn: arn:aws:iam::${account}:role/${name}\n  username: sso:{{SessionNameRaw}}\n`;
const side = useWorkerSide({ configuration, awsAuth: { mapRoles } });
const user = "U0ENGINEER";

let ledger: Ledger;
let ids: { alice: string; admin: string };
beforeEach(() => {
  ledger = memoryLedger();
});
beforeAll(() => {
  const { identityCenter: center } = side().sandbox.aws;
  const alice = center.addUser({ userName: "alice@example.com", email: "engineer@example.com" });
  center.assign(center.addPermissionSet("Developer"), account, alice, "0123456789abcdef");
  ids = { alice, admin: center.addPermissionSet("Admin") };
});

const statement = (email = "engineer@example.com", from = keys) => sealEmail(user, email, new Date(), from.decision);

async function ask(email: EmailStatement = statement(), keepSeconds = 900) {
  const { instanceArn, identityStoreId } = side().sandbox.aws.identityCenter;
  const settings = { region, instanceArn, identityStoreId, roleArn: arns.identityReader, externalId };
  const identities = { sources: [{ type: "identity-center" as const, settings }], keepSeconds };
  const context = side().context(ledger);
  const { cluster } = side();
  const report = await reportIdentities({ ...context, config: { ...context.config, identities } }, cluster, { email });
  const read = (found: unknown) => readIdentities(found, user, cluster, keys.preview, new Date());
  return report.type === "found" ? { ...report, read: read(report.found) } : report;
}

test("a person is the session of their permission set's role, as the cluster names it, sealed and remembered", async () => {
  const { faults } = side().sandbox.aws;
  const before = faults.calls("identitystore.GetUserId");

  const report = await ask();
  const again = await ask();

  expect(report).toMatchObject({
    read: {
      person: { userName: "alice@example.com", roles: [`arn:aws:iam::${account}:role/${name}`] },
      why: null,
    },
  });
  expect(again).toEqual(report);
  expect(faults.calls("identitystore.GetUserId") - before).toBe(2);
});

test("CloudTrail shows the person for which the worker read the directory", async () => {
  await ask();

  const events = side().sandbox.aws.cloudTrail.events.map(({ record }) => JSON.stringify(record));
  const own = events.filter((record) => record.includes(arns.identityReader));
  expect(own.length).toBeGreaterThan(0);
  expect(own.every((record) => record.includes(`eks-access-${user}-identities`))).toBe(true);
});

test("an address that our Slack process did not sign just now is not looked up", async () => {
  const before = side().sandbox.aws.faults.calls("identitystore.GetUserId");
  const signed = statement();
  const old = sealEmail(user, signed.email, new Date(Date.now() - 6 * 60_000), keys.decision);

  const reports = [
    await ask({ ...signed, email: "on-call@example.com" }),
    await ask({ ...signed, user: "U0ONCALL" }),
    await ask(statement(signed.email, otherKeys)),
    await ask(old),
  ];

  expect(reports).toEqual(
    reports.map(() => ({ type: "failed", message: expect.stringContaining("did not sign this question") })),
  );
  expect(side().sandbox.aws.faults.calls("identitystore.GetUserId")).toBe(before);
  expect(await ledger.identitiesOf(user)).toEqual(new Map());
});

test("an answer of another's hand in the ledger is not believed, but asked for again", async () => {
  const first = await ask();
  const stored = (await ledger.identitiesOf(user)).get("staging") as Parameters<Ledger["rememberIdentities"]>[0];
  const person = {
    userName: "mallory@example.com",
    permissionSets: ["Developer"],
    roles: [...(stored.person?.roles ?? [])],
  };
  await ledger.rememberIdentities({ ...stored, person });

  const again = await ask();

  expect(again).toMatchObject({ read: { person: { userName: "alice@example.com" } } });
  expect(first).toMatchObject({ read: { person: { userName: "alice@example.com" } } });
});

test("a reason is sealed too: an unknown address, and a permission set whose role the cluster does not name", async () => {
  const { identityCenter: center } = side().sandbox.aws;
  const carol = center.addUser({ userName: "carol", email: "carol@example.com" });
  const dave = center.addUser({ userName: "dave", email: "dave@example.com" });
  center.assign(ids.admin, account, carol);

  expect(await ask(statement("nobody@example.com"))).toMatchObject({ read: { person: null, why: "user-not-found" } });
  expect(await ask(statement("carol@example.com"))).toMatchObject({
    read: { person: { userName: "carol", permissionSets: ["Admin"], roles: [] }, why: "role-unknown" },
  });
  expect(dave).not.toBe(carol);
  expect(await ask(statement("dave@example.com"))).toMatchObject({ read: { why: "no-permission-set" } });
});

test("a failure of Identity Center is a sentence, and nothing is remembered of it", async () => {
  const { faults } = side().sandbox.aws;
  const { status, body = "" } = jsonError("ThrottlingException", "Rate exceeded");
  const fault = faults.plan("identitystore.DescribeUser", { type: "answer", status, body: String(body) }, { times: 6 });

  const throttled = await ask();
  fault.cancel();

  expect(throttled).toEqual({
    type: "failed",
    message: expect.stringMatching(
      /^AWS throttled identitystore:DescribeUser .*If this lasts, ask AWS for a higher quota\.$/,
    ),
  });
  expect(await ledger.identitiesOf(user)).toEqual(new Map());
});
