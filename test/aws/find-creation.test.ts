import { beforeAll, expect, test } from "vitest";
import { findCreation } from "../../src/aws/find-creation.ts";
import { foreignCreateCluster } from "../sandbox/aws/creator-records.ts";
import { account, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const now = new Date();
const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * 3_600_000);

beforeAll(() => {
  const { aws, workerArn } = accountUnderTest();
  aws.account.setAllowed(workerArn, ["cloudtrail:LookupEvents"]);
});

/** A cluster of this name that the account's creator made; its ARN. */
function aCluster(name: string, createdAt: Date, creatorArn = accountUnderTest().creatorArn): string {
  const endpoint = "https://x.invalid";
  return accountUnderTest().aws.addCluster({
    name,
    region,
    creatorArn,
    endpoint,
    certificateAuthority: "UEVN",
    createdAt,
  });
}

let turns = 0;
const turn = async () => {
  turns += 1;
};

function find(arn: string, createdAt: Date | null) {
  return findCreation(accountUnderTest().worker, region, { arn, createdAt }, now, turn);
}

const lookups = () => accountUnderTest().aws.faults.calls("cloudtrail.LookupEvents");

test("the creator is found among the creations of other services at the same time, with one question", async () => {
  const { aws, creatorArn } = accountUnderTest();
  const createdAt = daysAgo(20);
  const arn = aCluster("payments", createdAt);
  for (const service of ["ecs", "redshift", "memorydb"] as const) {
    aws.cloudTrail.record(foreignCreateCluster(service, "payments", region, account, createdAt));
  }
  const before = lookups();

  const record = await find(arn, createdAt);

  expect(record).toMatchObject({ kind: "AssumedRole", arn: creatorArn });
  expect(lookups() - before).toBe(1);
});

test("a reused name is recognised by its time", async () => {
  const { aws } = accountUnderTest();
  const { arn: former } = aws.account.addRole({ name: "former-creator" });
  const first = aCluster("reused", daysAgo(40), former);
  const second = aCluster("reused", daysAgo(2));

  const ofFirst = await find(first, daysAgo(40));
  const ofSecond = await find(second, daysAgo(2));
  const ofNewest = await find(second, null);

  expect(ofFirst?.arn).toBe(former);
  expect(ofSecond?.arn).toBe(accountUnderTest().creatorArn);
  expect(ofNewest?.arn).toBe(accountUnderTest().creatorArn);
});

test("where the time is not known the pages are gone through, however many clusters there are since", async () => {
  const arn = aCluster("ancient", daysAgo(80));
  for (let index = 0; index < 60; index += 1) aCluster(`young-${index}`, daysAgo(1));
  const before = lookups();
  const turnsBefore = turns;

  const record = await find(arn, null);

  expect(record).toMatchObject({ arn: accountUnderTest().creatorArn });
  expect(lookups() - before).toBe(2);
  expect(turns - turnsBefore).toBe(2);
});

test("a cluster without a record has none", async () => {
  expect(await find(`arn:aws:eks:${region}:${account}:cluster/unknown`, daysAgo(3))).toBeNull();
});

test.each([{}, { Events: "none" }, { Events: [null] }])(
  "an answer of %j does not say that there is no record",
  async (answer) => {
    const body = JSON.stringify(answer);
    accountUnderTest().aws.faults.plan("cloudtrail.LookupEvents", { type: "answer", status: 200, body });

    await expect(find(aCluster("odd", daysAgo(4)), daysAgo(4))).rejects.toMatchObject({
      code: "aws-unexpected",
      message: expect.stringContaining("is incomplete"),
    });
  },
);

test("a cluster that is older than the history is not asked about", async () => {
  const before = lookups();

  const record = await find(`arn:aws:eks:${region}:${account}:cluster/old`, daysAgo(91));

  expect(record).toBeNull();
  expect(lookups() - before).toBe(0);
});

test("throttling is waited out", async () => {
  const { aws } = accountUnderTest();
  const arn = aCluster("throttled", daysAgo(5));
  const throttle = { type: "answer", status: 400, body: JSON.stringify({ __type: "ThrottlingException" }) } as const;
  aws.faults.plan("cloudtrail.LookupEvents", throttle, { times: 3 });
  const before = lookups();

  const record = await find(arn, daysAgo(5));

  expect(record).toMatchObject({ arn: accountUnderTest().creatorArn });
  expect(lookups() - before).toBe(4);
});

test("a worker without the right learns which right it lacks", async () => {
  const { aws } = accountUnderTest();
  const { arn } = aws.account.addRole({ name: "blind" });
  const blind = aws.account.sessionFor(arn, "s");

  const failure = findCreation(
    blind,
    region,
    { arn: aCluster("hidden", daysAgo(6)), createdAt: daysAgo(6) },
    now,
    turn,
  );

  await expect(failure).rejects.toMatchObject({ code: "aws-access-denied" });
  await expect(failure).rejects.toThrow(/cloudtrail:LookupEvents .*Check the role's policies/);
});

test("the history of another account is not asked for in the own one", async () => {
  const failure = find(`arn:aws:eks:${region}:999988887777:cluster/payments`, daysAgo(3));

  await expect(failure).rejects.toThrow(
    `Account ${account} can't search the history of account 999988887777. Find CreateCluster there.`,
  );
});
