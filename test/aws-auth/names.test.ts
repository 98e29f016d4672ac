import { describe, expect, it, test } from "vitest";
import { entriesThatYield, render } from "../../src/aws-auth/names.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { resolve } from "../../src/aws-auth/resolve.ts";
import { cpuTimeOf } from "../cpu-time.ts";

const values = { accountId: "111122223333", sessionName: "a@b@c" };

describe("render", () => {
  it.each([
    ["plain", "plain"],
    ["{{AccountID}}/{{AccountID}}", "111122223333/111122223333"],
    ["{{SessionName}} {{SessionNameRaw}}", "a-b-c a@b@c"],
    ["{{AccessKeyID}}", "{{AccessKeyID}}"],
    ["{{accountid}}", "{{accountid}}"],
    ["{{EC2PrivateDNSName}}", null],
  ])("%s", (template, rendered) => {
    expect(render(template, values)).toBe(rendered);
  });

  it("fills the access key in where it is known", () => {
    expect(render("{{AccessKeyID}}", { ...values, accessKeyId: "AKIA$&" })).toBe("AKIA$&");
  });

  it.each(["i-01234567", "i-0123456789abcdef0"])("lets the instance %s have its private DNS name", (sessionName) => {
    expect(render("{{EC2PrivateDNSName}}", { ...values, sessionName })).toBe("{{EC2PrivateDNSName}}");
  });

  it.each(["i-0123456", "i-012345678", "xi-01234567", "i-01234567x", "bob"])("shuts %s out", (sessionName) => {
    expect(render("{{EC2PrivateDNSName}}", { ...values, sessionName })).toBeNull();
  });
});

describe("resolve", () => {
  const document = parseDocument({
    mapRoles:
      "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev:{{SessionNameRaw}}:{{AccessKeyID}}\n" +
      "- rolearn: arn:aws:iam::111122223333:role/odd\n  username: odd\n  groups: ['{{EC2PrivateDNSName}}']\n",
    mapUsers: "- userarn: arn:aws:sts::111122223333:federated-user/bob\n  username: fed:{{SessionName}}\n",
    mapAccounts: "- '444455556666'\n",
  });

  it("takes the access key of the session besides its ARN", () => {
    const identity = resolve(document, "arn:aws:sts::111122223333:assumed-role/dev/seen", "ASIA1");

    expect(identity).toEqual({ username: "dev:seen:ASIA1", groups: [] });
  });

  it.each([
    ["a role", "arn:aws:iam::111122223333:role/dev", "dev:eks-access:{{AccessKeyID}}"],
    ["a role with its path", "arn:aws:iam::111122223333:role/team/dev", "dev:eks-access:{{AccessKeyID}}"],
    ["a federated user, who has no session name", "arn:aws:sts::111122223333:federated-user/bob", "fed:"],
    ["somebody of an account", "arn:aws:sts::444455556666:assumed-role/Any/x", "arn:aws:iam::444455556666:role/Any"],
  ])("knows %s", (_what, arn, username) => {
    expect(resolve(document, arn)?.username).toBe(username);
  });

  it.each([
    ["whom a group shuts out", "arn:aws:iam::111122223333:role/odd"],
    ["who is not there", "arn:aws:iam::111122223333:user/dev"],
    ["who is no caller", "dev"],
  ])("answers no one for one %s", (_what, arn) => {
    expect(resolve(document, arn)).toBeNull();
  });
});

const account = "arn:aws:iam::111122223333";
const developers = `${account}:role/developers`;
const sessions = "eks-access:111122223333:developers:{{SessionName}}";

/** A document with one other role or user of this username. */
function documentWith(username: string, kind: "role" | "user" = "role") {
  const [section, key] = kind === "role" ? ["mapRoles", "rolearn"] : ["mapUsers", "userarn"];
  return parseDocument({ [section]: `- ${key}: ${account}:${kind}/other\n  username: ${JSON.stringify(username)}\n` });
}

test.each<[string, string, string, "role" | "user"]>([
  ["the same name", "dev", "dev", "user"],
  ["one person whose name a session can have", sessions, "eks-access:111122223333:developers:alice", "user"],
  ["the same template", sessions, sessions, "role"],
  ["a template with the account", sessions, "eks-access:{{AccountID}}:developers:alice", "user"],
  ["a session that can have any name", "dev", "{{SessionName}}", "role"],
  ["a session name with an @, as it is after it was turned", "a-b", "{{SessionName}}", "role"],
  ["a raw session name with its @", "alice@example.com", "{{SessionNameRaw}}", "role"],
  ["a session name in the middle", "dev:alice:x", "dev:{{SessionNameRaw}}:x", "role"],
])("another entry yields a username by %s", (_, username, other, kind) => {
  const found = entriesThatYield(username, developers, documentWith(other, kind).entries);

  expect(found).toEqual([`${account}:${kind}/other`]);
});

test.each<[string, string, string, "role" | "user"]>([
  ["is another name", "dev", "ops", "user"],
  ["has a prefix that no session name can hold", sessions, "{{SessionName}}", "role"],
  ["names another role", sessions, "eks-access:111122223333:operators:{{SessionName}}", "role"],
  ["is of a user, who has no session name", "dev:alice", "dev:{{SessionName}}", "user"],
  ["names another account", sessions, "eks-access:{{AccountID}}9:developers:alice", "user"],
])("another entry does not yield a username where it %s", (_, username, other, kind) => {
  expect(entriesThatYield(username, developers, documentWith(other, kind).entries)).toEqual([]);
});

test("the principal's own entry is no other one, in whatever case", () => {
  const document = parseDocument({ mapRoles: `- rolearn: ${developers.toUpperCase()}\n  username: dev\n` });

  expect(entriesThatYield("dev", developers, document.entries)).toEqual([]);
});

test("thousands of entries made to be slow are looked through in little time", () => {
  const hostile = `${"{{SessionName}}a".repeat(30)}!`;
  const items = Array.from(
    { length: 2_000 },
    (_, at) => `- rolearn: ${account}:role/r${at}\n  username: "${hostile}"\n`,
  );
  const { entries } = parseDocument({ mapRoles: items.join("") });
  let found: unknown[] = [];

  const took = cpuTimeOf(() => {
    found = [...entriesThatYield("a".repeat(60), developers, entries)];
  });

  // What can't be compared counts as the same: a warning too many is the safe side.
  expect(found.length).toBeGreaterThan(0);
  expect(took).toBeLessThan(500);
});
