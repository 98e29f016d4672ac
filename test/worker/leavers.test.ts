import { beforeAll, describe, expect, test } from "vitest";
import { jsonError } from "../../sandbox/aws/refusal.ts";
import { account, arns, configuration, externalId, region } from "../../sandbox/scene.ts";
import { sealEmail, sealIdentities } from "../../src/access/found-identities.ts";
import { readNotice } from "../../src/access/shared-lists.ts";
import { findLeavers } from "../../src/worker/leavers.ts";
import { reportIdentities } from "../../src/worker/questions/identities.ts";
import { adoptByTheClock } from "../../src/worker/reconcile/adopt.ts";
import { aLeasedRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide({ configuration });
const sessionOf = (userName: string) =>
  `arn:aws:sts::${account}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/${userName}`;
const leaseOf = (principal: string, id: string, requester = "U0ENGINEER") => ({
  ...aLeasedRequest({ state: "active" }, { id, requester, version: 1 }),
  principal,
});
let carol: string;

beforeAll(() => {
  const { identityCenter: center } = side().sandbox.aws;
  const set = center.addPermissionSet("Developer");
  const group = center.addGroup(
    "developers",
    ["alice", "carol", "dan"].map((name) => add(name)),
  );
  carol = [...center.users.values()].find(({ userName }) => userName === "carol")?.id ?? "";
  center.assign(set, account, group, "0123456789abcdef");
  add("unassigned");
  function add(name: string) {
    return center.addUser({ userName: name, email: `${name}@example.com` });
  }
});

function contextOf(ledger = memoryLedger(), keepSeconds = 0) {
  const { instanceArn, identityStoreId } = side().sandbox.aws.identityCenter;
  const settings = { region, instanceArn, identityStoreId, roleArn: arns.identityReader, externalId };
  const identities = { sources: [{ type: "identity-center" as const, settings }], keepSeconds };
  const context = side().context(ledger);
  return { ...context, config: { ...context.config, identities } };
}

const asking = { asker: "U0APPROVER", withinMs: 10_000, isFresh: false };

test("people who are gone, disabled or without their permission set are named; all others are not, through groups too", async () => {
  const { identityCenter: center } = side().sandbox.aws;
  const user = center.users.get(carol) ?? expect.fail();
  user.status = "DISABLED";
  const leases = ["alice", "carol", "gone", "unassigned"].map((name) => leaseOf(sessionOf(name), `r-${name}`));
  const others = [arns.engineer, `arn:aws:sts::${account}:assumed-role/deployer/gone`].map((arn) =>
    leaseOf(arn, "r-x"),
  );

  const report = await findLeavers(contextOf(), side().cluster, [...leases, ...others], asking);
  user.status = "ENABLED";

  expect(report).toEqual({
    found: [
      { id: "r-carol", message: "`carol` is disabled in Identity Center" },
      { id: "r-gone", message: "Identity Center has no user `gone`" },
      {
        id: "r-unassigned",
        message: `Identity Center does not assign \`Developer\` in account ${account} to \`unassigned\``,
      },
    ],
    notCompared: null,
  });
});

test("a failure, also in the middle, accuses no one, and the report says what is not compared", async () => {
  const { faults } = side().sandbox.aws;
  const { status, body = "" } = jsonError("ThrottlingException", "Rate exceeded");
  const leases = ["alice", "gone", "dan"].map((name) => leaseOf(sessionOf(name), `r-${name}`));
  const answer = { type: "answer", status, body: String(body) } as const;
  // The first two are about Alice and her group.
  const fault = faults.plan("sso.ListAccountAssignmentsForPrincipal", answer, { nth: 3, times: 20 });

  const report = await findLeavers(contextOf(), side().cluster, leases, asking);
  fault.cancel();

  expect(report).toEqual({
    found: [{ id: "r-gone", message: expect.stringContaining("no user `gone`") }],
    notCompared: expect.stringMatching(/^Not compared with Identity Center: 1 lease\. AWS throttled sso:List/),
  });
});

test.each(["gone", "unassigned"])(
  "in an account where the directory shows no one, which can be another organization's, %s is no one who left",
  async (name) => {
    const elsewhere = sessionOf(name).replace(account, "999988887777");
    const leases = [leaseOf(elsewhere, "r-elsewhere"), leaseOf(sessionOf("alice"), "r-alice")];

    const report = await findLeavers(contextOf(), side().cluster, leases, asking);

    expect(report).toEqual({
      found: [],
      notCompared: "Not compared with Identity Center: 1 lease.",
    });
  },
);

test("a person's own identity shows for which account the directory is, also where no other has a lease", async () => {
  const context = contextOf();
  const email = sealEmail("U0ENGINEER", "alice@example.com", context.now(), keys.decision);
  await reportIdentities(context, side().cluster, { email });

  const report = await findLeavers(context, side().cluster, [leaseOf(sessionOf("gone"), "r-gone")], asking);

  expect(report.found.map(({ id }) => id)).toEqual(["r-gone"]);
});

const told = (email: string, who = "U0ENGINEER") => ({ email: sealEmail(who, email, new Date(), keys.decision) });

describe("after a restart, with no one left in the account, the directory's account is known", () => {
  test.each([
    ["by what a worker sealed about the person who left", leaseOf(sessionOf("gone"), "r-gone")],
    [
      "by what it sealed about an approver",
      { ...leaseOf(sessionOf("gone"), "r-gone", "U0OTHER"), approvals: [{ by: "U0ENGINEER" }] as never },
    ],
  ])("%s", async (_, lease) => {
    const ledger = memoryLedger();
    await reportIdentities(contextOf(ledger), side().cluster, told("alice@example.com"));

    const report = await findLeavers(contextOf(ledger), side().cluster, [lease], asking);

    expect(report).toEqual({ found: [expect.objectContaining({ id: "r-gone" })], notCompared: null });
  });

  test("also if they have no permission set at a later look", async () => {
    const ledger = memoryLedger();
    for (const name of ["alice", "unassigned"])
      await reportIdentities(contextOf(ledger), side().cluster, told(`${name}@example.com`));

    const report = await findLeavers(contextOf(ledger), side().cluster, [leaseOf(sessionOf("gone"), "r-gone")], asking);

    expect(report.found.map(({ id }) => id)).toEqual(["r-gone"]);
  });
});

test.each([
  ["shows no permission set", {}, keys],
  ["shows one of another directory", { directory: "arn:aws:sso:::instance/ssoins-0000000000000000" }, keys],
  ["is forged", { directory: "ours" }, otherKeys],
  ["is two days old", { directory: "ours", at: new Date(Date.now() - 48 * 3_600_000).toISOString() }, keys],
])("an answer in the ledger that %s, accuses no one", async (_, parts, by) => {
  const ledger = memoryLedger();
  const { directory, ...rest } = { directory: undefined, ...parts };
  const { instanceArn } = side().sandbox.aws.identityCenter;
  const shown = directory === "ours" ? instanceArn : directory;
  const about = { user: "U0ENGINEER", email: "gone@example.com", person: null, why: "user-not-found" as const };
  const said = { ...about, at: new Date().toISOString(), ...rest, ...(shown !== undefined && { directory: shown }) };
  await ledger.rememberIdentities(sealIdentities(said, side().cluster, by.preview));

  const report = await findLeavers(contextOf(ledger), side().cluster, [leaseOf(sessionOf("gone"), "r-gone")], asking);

  expect(report).toEqual({ found: [], notCompared: "Not compared with Identity Center: 1 lease." });
});

test("what is sealed about the cluster's account says nothing of another account", async () => {
  const ledger = memoryLedger();
  await reportIdentities(contextOf(ledger), side().cluster, told("alice@example.com"));
  const elsewhere = leaseOf(sessionOf("gone").replace(account, "999988887777"), "r-elsewhere");

  expect((await findLeavers(contextOf(ledger), side().cluster, [elsewhere], asking)).found).toEqual([]);
});

test("a shared lease, whose person's user name is unknown, is counted as not compared", async () => {
  const role = `arn:aws:iam::${account}:role/AWSReservedSSO_Developer_0123456789abcdef`;

  expect(await findLeavers(contextOf(), side().cluster, [leaseOf(role, "r-shared")], asking)).toEqual({
    found: [],
    notCompared: "Not compared with Identity Center: 1 lease.",
  });
});

test("the hourly looks ask about people who are there once in the time for which an identity counts, and a check each time", async () => {
  const { faults } = side().sandbox.aws;
  const context = contextOf(memoryLedger(), 900);
  const leases = ["dan", "gone"].map((name) => leaseOf(sessionOf(name), `r-${name}`));
  const before = faults.calls("identitystore.GetUserId");

  const first = await findLeavers(context, side().cluster, leases, asking);
  const second = await findLeavers(context, side().cluster, leases, asking);

  expect(second).toEqual(first);
  expect(second.found).toHaveLength(1);
  expect(faults.calls("identitystore.GetUserId") - before).toBe(3);
  await findLeavers(context, side().cluster, leases, { ...asking, isFresh: true });
  expect(faults.calls("identitystore.GetUserId") - before).toBe(5);
});

test("the hourly look tells the operators once of each lease of a person who left, with the command", async () => {
  const ledger = memoryLedger();
  for (const name of ["alice", "gone"]) await ledger.commit(aChange(leaseOf(sessionOf(name), `r-${name}`)));

  await adoptByTheClock(contextOf(ledger), side().cluster);
  await adoptByTheClock(contextOf(ledger), side().cluster);

  expect((await ledger.notices()).map((stored) => readNotice(stored, keys))).toEqual([
    expect.objectContaining({
      title: "staging has a lease of a person who left",
      lines: ["`r-gone` is active, but Identity Center has no user `gone`.", "Revoke it: `/eks-access revoke r-gone`."],
    }),
  ]);
});

test("a slow Identity Center does not hold up the report", async () => {
  const leases = [leaseOf(sessionOf("alice"), "r-alice")];

  const report = await findLeavers(contextOf(), side().cluster, leases, { ...asking, withinMs: 0 });

  expect(report).toEqual({
    found: [],
    notCompared: "Not compared with Identity Center: 1 lease. AWS did not answer in time. Try again in a minute.",
  });
});
