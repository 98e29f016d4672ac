import { expect, test } from "vitest";
import { outsideWords, redact, startOf } from "../../src/access/redact.ts";

test.each([
  ["an EKS token", "token k8s-aws-v1.aHR0cHM6Ly9zdHM was refused", "token k8s-aws-v1.[redacted] was refused"],
  ["a bearer header", "Authorization: Bearer eyJhbGciOi.eyJzdWI.c2ln", "Authorization: Bearer [redacted]"],
  [
    "a presigned URL",
    "?X-Amz-Credential=AKIA1&X-Amz-Signature=0af",
    "?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]",
  ],
  ["a session token's header", "x-amz-security-token: IQoJb3Jp", "x-amz-security-token: [redacted]"],
  [
    "a secret key in XML",
    "<SecretAccessKey>wJalr/X</SecretAccessKey>",
    "<SecretAccessKey>[redacted]</SecretAccessKey>",
  ],
  ["a session token in JSON", '{"SessionToken":"IQoJ+/="}', '{"SessionToken":"[redacted]"}'],
  [
    "a header that is echoed as JSON",
    '{"X-Amz-Security-Token": "IQoJ\\/b3"}',
    '{"X-Amz-Security-Token": "[redacted]"}',
  ],
  ["a header in a list", '"x-amz-security-token":["IQoJb3"]', '"x-amz-security-token":["[redacted]"]'],
  ["a header in JSON within a text", 'x-amz-security-token\\":\\"IQoJ\\"', 'x-amz-security-token\\":\\"[redacted]\\"'],
  [
    "a header in a page",
    "<td>X-Amz-Security-Token</td><td>IQo</td>",
    "<td>X-Amz-Security-Token</td><td>[redacted]</td>",
  ],
  ["a header in a URL", "X-Amz-Security-Token%22%3A%22IQoJ", "X-Amz-Security-Token%22%3A%22[redacted]"],
  [
    "a signature of AWS",
    "SignedHeaders=host, Signature=0123456789abcdef01",
    "SignedHeaders=host, Signature=[redacted]",
  ],
  ["a signature of Slack", "x-slack-signature: v0=0af", "x-slack-signature: [redacted]"],
  ["a web identity token", "token eyJhbGciOiJSUz.eyJzdWIiOiJ.c2ln was", "token [redacted] was"],
  ["a webhook's secret", "whsec_MfKQ9r8GKYqr", "[redacted]"],
  ["a proxy's password", "http://me:hunter2@proxy:3128/", "http://me:[redacted]@proxy:3128/"],
  ["a proxy's password with an @", "http://me:hunt@er2@proxy:3128/", "http://me:[redacted]@proxy:3128/"],
  ["a webhook of Slack", "https://hooks.slack.com/services/T0/B0/x1", "https://hooks.slack.com/[redacted]"],
  [
    "a response URL in JSON",
    '"https:\\/\\/hooks.slack.com\\/commands\\/T0\\/1\\/x1"',
    '"https:\\/\\/hooks.slack.com/[redacted]"',
  ],
  ["an access key's id", "key ASIAABCDEFGHIJKLMNOP", "key ASIA[redacted]"],
  ["a Slack token", "token xoxb-1-2-abc", "token [redacted]"],
  ["a password of Redis", "redis://user:hunter2@host:6379", "redis://user:[redacted]@host:6379"],
  ["a password of Redis with an @", "redis://:hunt@er2@host:6379/0", "redis://:[redacted]@host:6379/0"],
  ["two passwords in one word", "redis://:a@x,redis://:b@y", "redis://:[redacted]@y"],
  ["a private key", "a -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- b", "a [redacted] b"],
])("%s is removed", (_, text, clean) => {
  expect(redact(text)).toBe(clean);
});

test("an ordinary answer stays as it is", () => {
  const text = "User: arn:aws:sts::111122223333:assumed-role/worker/pod is not authorized to perform: sts:AssumeRole";

  expect(redact(text)).toBe(text);
  const address = "https://sts.amazonaws.com:443/a@b: X-Amz-Security-Token is missing";
  expect(redact(address)).toBe(address);
  expect(redact("Basic information about bearer tokens")).toBe("Basic information about bearer tokens");
});

test("an address of Redis without a password stays as it is", () => {
  expect(redact("redis://user@host:6379 redis://host:6379")).toBe("redis://user@host:6379 redis://host:6379");
});

test.each([
  ["addresses of Redis that never end", "redis://:"],
  ["keys that never end", "-----BEGIN A"],
  ["names of secrets without a value", "SecretAccessKey:'\""],
  ["tokens that never end", "eyJ-"],
  ["headers without a value", "X-Amz-Signature%22%3A"],
  ["addresses", "a://"],
  ["addresses with a user", "ab://:@"],
  ["quotes", '"'],
  ["spaces", " "],
])("a megabyte of %s is cut, and what is left of it is clean", (_, part) => {
  const text = part.repeat(2 ** 20 / part.length);

  const clean = redact(text);

  expect(clean.length).toBeLessThan(70_000);
  expect(clean).toMatch(/ \[\d+ more characters\]$/);
});

test("a secret on which a long text is cut is not shown in part", () => {
  const text = `${"x".repeat(64 * 1024 - 20)} redis://:hunter2hunter2@host ${"x".repeat(1000)}`;

  expect(redact(text)).not.toContain("hunter2");
});

test("a cut halves no character", () => {
  expect(startOf("why \u{1f600}", 5)).toBe("why ");
  expect(startOf("why \u{1f600}", 6)).toBe("why \u{1f600}");
  expect(outsideWords("it failed \u{1f600}", 11)).toBe("it failed ");
});
