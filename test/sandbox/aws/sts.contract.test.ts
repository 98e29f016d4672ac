import {
  AssumeRoleCommand,
  type AssumeRoleCommandOutput,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
} from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stsError } from "../../../sandbox/aws/refusal.ts";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";

// Copies: AWS STS API reference, version 2011-06-15 (GetCallerIdentity, AssumeRole, "Common Errors"), and IAM User Guide,
// "Policy evaluation logic", "Monitor and control actions taken with assumed roles".

let aws: Awaited<ReturnType<typeof anAccount>>;
let worker: { arn: string };

beforeEach(async () => {
  aws = await anAccount();
  worker = aws.account.addRole({ name: "worker", allow: ["sts:SetSourceIdentity"] });
});
afterEach(() => aws.stop());

function asWorker() {
  return clientsOf(aws.url, aws.account.sessionFor(worker.arn, "pod-1")).sts;
}

function aRole(trust: object = {}, more: { name?: string; path?: string; maxSessionSeconds?: number } = {}): string {
  return aws.account.addRole({ name: "creator", ...more, trust: { principals: [worker.arn], ...trust } }).arn;
}

const assume = (RoleArn: string, more: object = {}) =>
  new AssumeRoleCommand({ RoleArn, RoleSessionName: "engineer", ...more });

function credentialsOf({ Credentials }: AssumeRoleCommandOutput) {
  return {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
}

describe("GetCallerIdentity", () => {
  it("gives a user's own ARN and id", async () => {
    const user = aws.account.addUser({ name: "dev", path: "/people/" });

    const answer = await clientsOf(aws.url, user).sts.send(new GetCallerIdentityCommand({}));

    expect(answer).toMatchObject({ Arn: "arn:aws:iam::111122223333:user/people/dev", Account: "111122223333" });
    expect(answer.UserId).toMatch(/^AIDA[A-Z2-7]{17}$/);
  });

  it("gives a role's session as assumed-role without the role's path, and its name in the id", async () => {
    const role = aws.account.addRole({ name: "ops", path: "/team/" });
    const { sts } = clientsOf(aws.url, aws.account.sessionFor(role.arn, "someone@example.com"));

    const answer = await sts.send(new GetCallerIdentityCommand({}));

    expect(answer.Arn).toBe("arn:aws:sts::111122223333:assumed-role/ops/someone@example.com");
    expect(answer.UserId).toMatch(/^AROA[A-Z2-7]{17}:someone@example\.com$/);
  });

  it("says that STS is not activated in a disabled region", async () => {
    aws.account.disabledRegions.add("ap-east-1");
    const user = aws.account.addUser({ name: "dev" });

    const refusal = await refusalOf(clientsOf(aws.url, user, "ap-east-1").sts.send(new GetCallerIdentityCommand({})));

    expect(refusal).toMatchObject({ name: "RegionDisabledException", status: 403 });
  });
});

describe("AssumeRole", () => {
  it("gives credentials that are the role's session and carry the source identity", async () => {
    const role = aRole({}, { path: "/ci/" });

    const answer = await asWorker().send(assume(role, { SourceIdentity: "U123", DurationSeconds: 900 }));
    const credentials = credentialsOf(answer);
    const caller = await clientsOf(aws.url, credentials).sts.send(new GetCallerIdentityCommand({}));

    expect(answer.AssumedRoleUser?.Arn).toBe("arn:aws:sts::111122223333:assumed-role/creator/engineer");
    expect(answer.SourceIdentity).toBe("U123");
    expect(caller.Arn).toBe(answer.AssumedRoleUser?.Arn);
    const seconds = ((answer.Credentials?.Expiration?.getTime() ?? 0) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(890);
    expect(seconds).toBeLessThanOrEqual(900);
  });

  it.each([
    ["the trust policy names somebody else", { principals: ["arn:aws:iam::111122223333:role/other"] }, {}],
    ["the external id is missing", { externalId: "right" }, {}],
    ["the external id is wrong", { externalId: "right" }, { ExternalId: "wrong" }],
    ["the trust policy wants a source identity", { requireSourceIdentity: true }, {}],
  ])("is denied in the same words when %s", async (_why, trust, input) => {
    const role = aRole(trust);

    const refusal = await refusalOf(asWorker().send(assume(role, input)));

    expect(refusal).toEqual({
      name: "AccessDenied",
      message:
        "User: arn:aws:sts::111122223333:assumed-role/worker/pod-1 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/creator",
      status: 403,
    });
  });

  it("is denied for a role that does not exist, in the words of one that may not be assumed", async () => {
    const refusal = await refusalOf(asWorker().send(assume("arn:aws:iam::111122223333:role/nobody")));

    expect(refusal.message).toMatch(/is not authorized to perform: sts:AssumeRole on resource: .*role\/nobody$/);
  });

  it("names the action that a trust policy lacks for a source identity or for tags", async () => {
    const noSource = aRole({ allowSourceIdentity: false }, { name: "no-source" });
    const noTags = aRole({ allowTags: false }, { name: "no-tags" });

    const source = await refusalOf(asWorker().send(assume(noSource, { SourceIdentity: "U123" })));
    const tags = await refusalOf(asWorker().send(assume(noTags, { Tags: [{ Key: "request", Value: "r-1" }] })));

    expect(source.message).toContain("not authorized to perform: sts:SetSourceIdentity on resource");
    expect(tags.message).toContain("not authorized to perform: sts:TagSession on resource");
  });

  it("refuses to change a source identity that is already set", async () => {
    const role = aRole({ principals: [worker.arn] });
    const session = aws.account.sessionFor(worker.arn, "pod-1", { sourceIdentity: "U123" });

    const refusal = await refusalOf(clientsOf(aws.url, session).sts.send(assume(role, { SourceIdentity: "U999" })));

    expect(refusal.message).toContain("sts:SetSourceIdentity");
  });

  it("wants the caller's own policy too where a session sets a source identity or hands one on", async () => {
    const role = aRole();
    const session = aws.account.sessionFor(worker.arn, "pod-1", { sourceIdentity: "U123" });
    aws.account.setAllowed(worker.arn, []);

    const set = await refusalOf(asWorker().send(assume(role, { SourceIdentity: "U123" })));
    const handedOn = await refusalOf(clientsOf(aws.url, session).sts.send(assume(role)));

    expect(set.message).toContain("not authorized to perform: sts:SetSourceIdentity on resource");
    expect(handedOn.message).toContain("not authorized to perform: sts:SetSourceIdentity on resource");
  });

  it("passes transitive tags on through a chain, and refuses to set them again", async () => {
    const middle = aRole({}, { name: "middle" });
    const last = aRole({ principals: [middle] }, { name: "last" });
    const untagged = aRole({ principals: [middle], allowTags: false }, { name: "untagged" });
    const tags = [
      { Key: "request", Value: "r-1" },
      { Key: "only", Value: "here" },
    ];
    const first = await asWorker().send(assume(middle, { Tags: tags, TransitiveTagKeys: ["request"] }));
    const inTheMiddle = clientsOf(aws.url, credentialsOf(first)).sts;

    const second = await inTheMiddle.send(assume(last));
    const again = await refusalOf(inTheMiddle.send(assume(last, { Tags: [{ Key: "REQUEST", Value: "r-2" }] })));
    const refused = await refusalOf(inTheMiddle.send(assume(untagged)));

    const { session } = aws.account.caller(second.Credentials?.AccessKeyId ?? "") ?? {};
    expect(Object.fromEntries(session?.tags ?? [])).toEqual({ request: "r-1" });
    expect(again.message).toContain("conflicts with a transitive tag key from the calling session");
    expect(refused.message).toContain("not authorized to perform: sts:TagSession on resource");
  });

  it("takes no policy that it can't read", async () => {
    const refusals = [
      await refusalOf(asWorker().send(assume(aRole(), { Policy: "{" }))),
      await refusalOf(asWorker().send(assume(aRole({}, { name: "another" }), { Policy: '{"Version":"2012-10-17"}' }))),
    ];

    expect(refusals.map(({ name }) => name)).toEqual(Array(2).fill("MalformedPolicyDocumentException"));
  });

  it("takes as transitive only what is a tag of the same request", async () => {
    const refusal = await refusalOf(asWorker().send(assume(aRole(), { TransitiveTagKeys: ["request"] })));

    expect(refusal).toMatchObject({ name: "InvalidParameterValue", status: 400 });
  });

  it("wants the caller's own policy too where the trust policy names the account only", async () => {
    const role = aRole({ principals: ["arn:aws:iam::111122223333:root"] });

    const before = await refusalOf(asWorker().send(assume(role)));
    aws.account.setAllowed(worker.arn, ["sts:AssumeRole"]);
    const after = await asWorker().send(assume(role));

    expect(before.name).toBe("AccessDenied");
    expect(after.AssumedRoleUser?.Arn).toContain("assumed-role/creator/engineer");
  });

  it("wants the caller's own policy too across accounts", async () => {
    const { arn } = aws.account.addRole({
      name: "creator",
      account: "444455556666",
      trust: { principals: [worker.arn] },
    });

    const before = await refusalOf(asWorker().send(assume(arn)));
    aws.account.setAllowed(worker.arn, ["sts:*"]);
    const after = await asWorker().send(assume(arn));

    expect(before.name).toBe("AccessDenied");
    expect(after.AssumedRoleUser?.Arn).toBe("arn:aws:sts::444455556666:assumed-role/creator/engineer");
  });

  it.each([
    [
      "a session name of one letter",
      { RoleSessionName: "x" },
      "at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      "a session name with a colon",
      { RoleSessionName: "a:b" },
      "at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    ],
    [
      "a session name that is too long",
      { RoleSessionName: "x".repeat(65) },
      "Member must have length less than or equal to 64",
    ],
    ["a source identity with a space", { SourceIdentity: "a b" }, "at 'sourceIdentity' failed to satisfy constraint"],
    ["an external id with a space", { ExternalId: "a b" }, "at 'externalId' failed to satisfy constraint"],
    [
      "a session below 15 minutes",
      { DurationSeconds: 899 },
      "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
    ],
    ["a session above 12 hours", { DurationSeconds: 43_201 }, "Member must have value less than or equal to 43200"],
    [
      "a session above the role's maximum",
      { DurationSeconds: 7200 },
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    ],
    ["an ARN that is none", { RoleArn: "arn:aws:iam::1:role/creator" }, "arn:aws:iam::1:role/creator is invalid"],
    [
      "a tag with a bad letter",
      { Tags: [{ Key: "a", Value: "<" }] },
      "at 'tags.1.member.value' failed to satisfy constraint",
    ],
  ])("refuses %s", async (_what, input, message) => {
    const role = aRole();

    const refusal = await refusalOf(asWorker().send(assume(role, input)));

    expect(refusal).toMatchObject({ name: "ValidationError", status: 400 });
    expect(refusal.message).toContain(message);
  });

  it("counts every problem in one answer", async () => {
    const refusal = await refusalOf(asWorker().send(assume(aRole(), { RoleSessionName: ":", SourceIdentity: " " })));

    expect(refusal.message).toMatch(/^4 validation errors detected: /);
  });

  it("refuses tags that differ in case only, and more than fit", async () => {
    const role = aRole();
    const many = Array.from({ length: 20 }, (_, at) => ({ Key: `key-${at}`, Value: "v".repeat(200) }));

    const twice = await refusalOf(
      asWorker().send(
        assume(role, {
          Tags: [
            { Key: "a", Value: "1" },
            { Key: "A", Value: "2" },
          ],
        }),
      ),
    );
    const large = await refusalOf(asWorker().send(assume(role, { Tags: many })));

    expect(twice).toMatchObject({ name: "InvalidParameterValue", status: 400 });
    expect(large).toMatchObject({ name: "PackedPolicyTooLargeException", status: 400 });
  });

  it("gives a chained session one hour at most, whatever the role's maximum is", async () => {
    const role = aRole({}, { maxSessionSeconds: 43_200 });
    const user = aws.account.addUser({ name: "dev" });
    aws.account.setTrust(role, { principals: [worker.arn, user.arn] });

    const chained = await refusalOf(asWorker().send(assume(role, { DurationSeconds: 3601 })));
    const direct = await clientsOf(aws.url, user).sts.send(assume(role, { DurationSeconds: 3601 }));

    expect(chained.message).toBe(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
    expect(direct.Credentials?.AccessKeyId).toMatch(/^ASIA/);
  });
});

describe("what surrounds the calls", () => {
  it("names the caller, also of a refused call", async () => {
    await refusalOf(asWorker().send(assume("arn:aws:iam::111122223333:role/nobody")));

    expect(aws.calls).toMatchObject([
      { call: "sts.AssumeRole", status: 403, by: "arn:aws:sts::111122223333:assumed-role/worker/pod-1" },
    ]);
  });

  it("throttles the next call on request", async () => {
    const user = aws.account.addUser({ name: "dev" });
    const { sts } = clientsOf(aws.url, user);
    aws.faults.plan("sts.GetCallerIdentity", { type: "answer", ...stsError("Throttling", "Rate exceeded") });

    const refusal = await refusalOf(sts.send(new GetCallerIdentityCommand({})));
    const next = await sts.send(new GetCallerIdentityCommand({}));

    expect(refusal).toMatchObject({ name: "Throttling", message: "Rate exceeded" });
    expect(next.Arn).toBe(user.arn);
  });
});

describe("AssumeRoleWithWebIdentity", () => {
  const roleArn = "arn:aws:iam::111122223333:role/worker";
  const inTenMinutes = () => new Date(Date.now() + 600_000);
  const subject = "system:serviceaccount:eks-access:worker";
  /** No one signs this call, so whatever credentials the client has do not matter. */
  const send = (WebIdentityToken: string, RoleArn = roleArn) =>
    asWorker().send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: "irsa", WebIdentityToken }));

  it("gives a session of the role that the service account's token is for", async () => {
    const token = aws.webIdentities.project({ roleArn, subject }, inTenMinutes());

    const answer = await send(token);

    expect(answer).toMatchObject({
      AssumedRoleUser: { Arn: "arn:aws:sts::111122223333:assumed-role/worker/irsa" },
      SubjectFromWebIdentityToken: subject,
    });
    const identity = await clientsOf(aws.url, credentialsOf(answer)).sts.send(new GetCallerIdentityCommand({}));
    expect(identity.Arn).toBe("arn:aws:sts::111122223333:assumed-role/worker/irsa");
  });

  it("is refused for an unknown token, for an expired one, and for another role", async () => {
    const token = aws.webIdentities.project({ roleArn, subject }, inTenMinutes());
    const over = aws.webIdentities.project({ roleArn, subject }, new Date(Date.now() - 1_000));

    const refusals = [
      await refusalOf(send("made-up")),
      await refusalOf(send(over)),
      await refusalOf(send(token, aRole())),
    ];

    expect(refusals.map(({ name }) => name)).toEqual([
      "InvalidIdentityTokenException",
      "ExpiredTokenException",
      "AccessDenied",
    ]);
  });
});
