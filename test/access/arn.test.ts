import { describe, expect, it } from "vitest";
import { canonicalCaller, readPrincipal } from "../../src/access/arn.ts";

const account = "arn:aws:iam::111122223333:";

describe("readPrincipal", () => {
  it.each([
    ["a role", `${account}role/Admin`, { kind: "role", partition: "aws", account: "111122223333", name: "Admin" }],
    ["a user", `${account}user/bob`, { kind: "user", partition: "aws", account: "111122223333", name: "bob" }],
    ["a user with a path", `${account}user/team/a/bob`, { kind: "user", partition: "aws", name: "bob" }],
    ["every character of a name", `${account}role/a_b+c=d,e.f@g-9`, { name: "a_b+c=d,e.f@g-9" }],
    ["the longest name", `${account}role/${"x".repeat(64)}`, { name: "x".repeat(64) }],
    ["China", "arn:aws-cn:iam::111122223333:role/a", { partition: "aws-cn" }],
    ["GovCloud", "arn:aws-us-gov:iam::111122223333:role/a", { partition: "aws-us-gov" }],
    ["an isolated region", "arn:aws-iso-b:iam::111122223333:role/a", { partition: "aws-iso-b" }],
    ["the European sovereign cloud", "arn:aws-eusc:iam::111122223333:role/a", { partition: "aws-eusc" }],
  ])("takes %s", (_what, text, expected) => {
    const reading = readPrincipal(text);

    expect(reading).toMatchObject({ type: "principal", principal: { arn: text, ...expected } });
  });

  it.each([
    ["a path", `${account}role/team/dev`, "arn-path", `${account}role/dev`],
    [
      "the path of an Identity Center role",
      `${account}role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef`,
      "arn-sso-path",
      `${account}role/AWSReservedSSO_Admin_0123456789abcdef`,
    ],
    ["an assumed role", "arn:aws:sts::111122223333:assumed-role/dev/bob", "arn-assumed-role", `${account}role/dev`],
    ["white space at the end", `${account}role/dev\n`, "arn-padding", `${account}role/dev`],
    ["white space at the start", ` ${account}role/dev`, "arn-padding", `${account}role/dev`],
    ["white space around a path", ` ${account}role/team/dev `, "arn-padding", `${account}role/dev`],
    [
      "a session with the role's path",
      "arn:aws:sts::111122223333:assumed-role/team/dev/bob",
      "arn-assumed-role",
      `${account}role/dev`,
    ],
  ])("offers the right form for %s", (_what, text, code, suggestion) => {
    const reading = readPrincipal(text);

    expect(reading).toMatchObject({ type: "invalid", code, suggestion });
  });

  it.each([
    ["nothing", "", "not-an-arn"],
    ["a name alone", "Admin", "not-an-arn"],
    ["padding around a name", " Admin", "arn-padding"],
    ["padding around an IAM group", ` ${account}group/admins`, "arn-padding"],
    [
      "a session of a role that none can be",
      `arn:aws:sts::111122223333:assumed-role/${"x".repeat(65)}/bob`,
      "arn-assumed-role",
    ],
    ["a letter beyond ASCII", `${account}role/op\u017f`, "arn-characters"],
    ["a no-break space", `${account}role/a\u00a0b`, "arn-characters"],
    ["a space within", `${account}role/a b`, "arn-characters"],
    ["an unknown partition", "arn:amazon:iam::111122223333:role/a", "arn-partition"],
    ["a partition in capitals", "arn:AWS:iam::111122223333:role/a", "arn-partition"],
    ["a wildcard for the name", `${account}role/*`, "arn-wildcard"],
    ["a question mark", `${account}user/bo?`, "arn-wildcard"],
    ["a short account", "arn:aws:iam::11112222333:role/a", "arn-account"],
    ["a long account", "arn:aws:iam::1111222233334:role/a", "arn-account"],
    ["no account", "arn:aws:iam:::role/a", "arn-account"],
    ["another service", "arn:aws:s3::111122223333:role/a", "arn-service"],
    ["a region", "arn:aws:iam:eu-west-1:111122223333:role/a", "arn-service"],
    ["a federated user", "arn:aws:sts::111122223333:federated-user/bob", "arn-service"],
    ["an assumed role without a session", "arn:aws:sts::111122223333:assumed-role/dev", "arn-service"],
    ["the root user", `${account}root`, "arn-root"],
    ["an instance profile", `${account}instance-profile/a`, "arn-instance-profile"],
    ["an IAM group", `${account}group/admins`, "arn-group"],
    ["a policy", `${account}policy/a`, "arn-kind"],
    ["an empty name", `${account}role/`, "arn-name"],
    ["a name that is too long", `${account}role/${"x".repeat(65)}`, "arn-name"],
    ["a colon in a name", `${account}role/a:b`, "arn-name"],
    ["a path that is empty", `${account}user//`, "arn-name"],
  ])("refuses %s", (_what, text, code) => {
    const reading = readPrincipal(text);

    expect(reading).toMatchObject({ type: "invalid", code });
    expect(reading).not.toHaveProperty("suggestion");
  });

  it("takes a partition that AWS has added since, where it is the cluster's own", () => {
    const arn = "arn:aws-new:iam::111122223333:role/a";

    const readings = [readPrincipal(arn, "aws-new"), readPrincipal(arn)];

    expect(readings.map(({ type }) => type)).toEqual(["principal", "invalid"]);
  });

  it("repeats only a little of the typed text", () => {
    const reading = readPrincipal(`${account}role/${"x".repeat(5000)}`);

    expect(reading.type === "invalid" && reading.message.length).toBeLessThan(300);
  });
});

describe("canonicalCaller", () => {
  it.each([
    ["a session stands for its role", "arn:aws:sts::111122223333:assumed-role/Dev/bob", `${account}role/Dev`],
    ["a user stands for itself", `${account}user/team/bob`, `${account}user/team/bob`],
    ["the case of letters stays", `${account}role/DEV`, `${account}role/DEV`],
    ["the root user is a caller", `${account}root`, `${account}root`],
    ["a federated user is a caller", "arn:aws:sts::1:federated-user/b", "arn:aws:sts::1:federated-user/b"],
    ["a session without a name is none", "arn:aws:sts::111122223333:assumed-role/Dev", null],
    ["a group is none", `${account}group/a`, null],
    ["another service is none", "arn:aws:s3:::bucket", null],
    ["another kind of sts is none", "arn:aws:sts::111122223333:other/a/b", null],
    ["an unknown partition is none", "arn:amazon:iam::111122223333:role/a", null],
    ["text is none", "bob", null],
    ["an ARN that ends early is none", "arn:aws:iam::111122223333", null],
    ["something else than an ARN is none", "urn:aws:iam::111122223333:role/a", null],
  ])("%s", (_what, arn, expected) => {
    const canonical = canonicalCaller(arn);

    expect(canonical).toBe(expected);
  });
});
