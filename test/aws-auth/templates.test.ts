import { describe, expect, it } from "vitest";
import { render } from "../../src/aws-auth/names.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { resolve } from "../../src/aws-auth/resolve.ts";

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
