import { expect, test } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { roleMadeAt } from "../../src/aws/iam-role.ts";
import { finishedCalls, requestIds } from "../../src/operations/announcements.ts";
import { useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();

function aReader(allow: readonly string[]) {
  const { account } = accountUnderTest().aws;
  const { arn } = account.addRole({ name: `reader-${allow.length}-${Math.random()}`, allow });
  return account.sessionFor(arn, "eks-access");
}

test("IAM says when it made a role, and a role that is made again is younger", async () => {
  const { account } = accountUnderTest().aws;
  const { arn } = account.addRole({ name: "developers", path: "/team/" });
  const log = requestIds();
  const calls: string[] = [];
  // The files of a worker share a process: a call that another one has left on its way ends here, too.
  const stop = finishedCalls.subscribe(({ service, operation }) => service === "iam" && calls.push(operation));

  const at = await roleMadeAt(aReader(["iam:GetRole"]), arn, log);
  stop();

  expect(at).toBe(account.identity(arn)?.createdAt.toISOString());
  expect(calls).toEqual(["GetRole"]);
  expect(Object.keys(log.byCall())).toEqual(["iam:GetRole"]);
});

test("a role that is gone has no time", async () => {
  expect(await roleMadeAt(aReader(["iam:GetRole"]), "arn:aws:iam::111122223333:role/gone")).toBeNull();
});

test("a missing right is a failure that names it", async () => {
  const { arn } = accountUnderTest().aws.account.addRole({ name: "hidden" });

  const failure = await roleMadeAt(aReader([]), arn).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(AccessError);
  expect(failure).toMatchObject({ code: "aws-access-denied", what: expect.stringContaining(`iam:GetRole on ${arn}`) });
});

test("an answer of another form, and none, are failures too", async () => {
  const { faults } = accountUnderTest().aws;
  const reader = aReader(["iam:GetRole"]);
  const ask = () => roleMadeAt(reader, "arn:aws:iam::111122223333:role/any").catch((error: unknown) => error);

  faults.plan("iam.GetRole", { type: "answer", status: 200, body: "<html></html>" });
  const strange = await ask();
  faults.plan("iam.GetRole", { type: "cut-before" });
  const silent = await ask();

  expect(strange).toMatchObject({ code: "aws-unexpected" });
  expect(silent).toMatchObject({ code: "aws-unreachable" });
});
