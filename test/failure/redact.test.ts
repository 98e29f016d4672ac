import { expect, test } from "vitest";
import { redact } from "../../src/failure/redact.ts";

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
  ["an access key's id", "key ASIAABCDEFGHIJKLMNOP", "key ASIA[redacted]"],
  ["a Slack token", "token xoxb-1-2-abc", "token [redacted]"],
  ["a password of Redis", "redis://user:hunter2@host:6379", "redis://user:[redacted]@host:6379"],
  ["a private key", "a -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- b", "a [redacted] b"],
])("%s is taken out", (_, text, clean) => {
  expect(redact(text)).toBe(clean);
});

test("an ordinary answer stays as it is", () => {
  const text = "User: arn:aws:sts::111122223333:assumed-role/worker/pod is not authorized to perform: sts:AssumeRole";

  expect(redact(text)).toBe(text);
  expect(redact("Basic information about bearer tokens")).toBe("Basic information about bearer tokens");
});
