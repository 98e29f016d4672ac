import { expect, test } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { awsFailure } from "../../src/aws/explain-aws-error.ts";

function anError(name: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name, ...more });
}

test.each([
  ["AccessDenied", {}, "aws-access-denied"],
  ["AccessDeniedException", {}, "aws-access-denied"],
  ["ExpiredTokenException", {}, "aws-credentials-expired"],
  ["CredentialsProviderError", {}, "aws-credentials-missing"],
  ["InvalidClientTokenId", {}, "aws-credentials-invalid"],
  ["RegionDisabledException", {}, "aws-region-disabled"],
  ["ThrottlingException", {}, "aws-throttled"],
  ["InvalidIdentityTokenException", {}, "aws-credentials-invalid"],
  ["MalformedPolicyDocumentException", {}, "aws-request-refused"],
  ["PackedPolicyTooLargeException", {}, "aws-request-refused"],
  ["TimeoutError", {}, "aws-unreachable"],
  ["Error", { code: "ENOTFOUND" }, "aws-unreachable"],
  ["Error", { code: "SELF_SIGNED_CERT_IN_CHAIN" }, "aws-unreachable"],
  ["RequestTimeTooSkewed", { $metadata: { httpStatusCode: 403 } }, "clock-wrong"],
  ["SomethingNew", { $metadata: { httpStatusCode: 403 } }, "aws-access-denied"],
  ["SomethingNew", { $metadata: { httpStatusCode: 429 } }, "aws-throttled"],
  ["SomethingNew", { $metadata: { httpStatusCode: 500 } }, "aws-failing"],
  ["SomethingNew", { $metadata: { httpStatusCode: 400 } }, "aws-unexpected"],
])("%s %j is reported as %s", (name, more, code) => {
  expect(awsFailure(anError(name, "…", more), "sts:AssumeRole on R").code).toBe(code);
});

test.each([
  [
    "SignatureDoesNotMatch",
    "Signature expired: 20261203T094512Z is now earlier than 20261203T103008Z (20261203T104508Z - 15 min.)",
  ],
  [
    "InvalidSignatureException",
    "Signature not yet current: 20261203T120000Z is still later than 20261203T102233Z (20261203T101733Z + 5 min.)",
  ],
])("%s of a signature of another time names this machine's clock", (name, answer) => {
  expect(awsFailure(anError(name, answer), "sts:AssumeRole on R").code).toBe("clock-wrong");
});

test("a signature of another key is no wrong clock", () => {
  const answer = "The request signature we calculated does not match the signature you provided.";

  expect(awsFailure(anError("SignatureDoesNotMatch", answer), "sts:AssumeRole on R").code).toBe(
    "aws-credentials-invalid",
  );
});

test.each(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"])("%s names this machine's clock", (code) => {
  const { message } = awsFailure(anError("Error", "certificate is not yet valid", { code }), "sts:AssumeRole on R");

  expect(message).toMatch(/^Can't reach AWS for .* Set this machine's clock by NTP, or renew the certificate\.$/);
});

test.each([
  ["SyntaxError", 200],
  ["Unknown", 302],
])("a %s with the status %i is no answer of AWS, and names a proxy", (name, httpStatusCode) => {
  const failure = awsFailure(
    anError(name, "Unexpected token <", { $metadata: { httpStatusCode } }),
    "sts:AssumeRole on R",
  );

  expect(failure.code).toBe("aws-unreachable");
  expect(failure.message).toBe(
    `Can't reach AWS for sts:AssumeRole on R (HTTP ${httpStatusCode}). Check for a proxy or login page.`,
  );
});

test("the sentence names the action, the resource and AWS's own words", () => {
  const failure = awsFailure(anError("AccessDenied", "User: arn:x is not authorized."), "sts:AssumeRole on arn:y");

  expect(failure.what).toBe("AWS refused sts:AssumeRole on arn:y (AccessDenied: User: arn:x is not authorized)");
});

test("no credential of AWS's answer reaches the message or the cause", () => {
  const answer = "bad X-Amz-Security-Token=IQoJb3JpZ2lu and <SecretAccessKey>wJalrXUtnFEMI</SecretAccessKey>";
  const failure = awsFailure(anError("ValidationError", answer, { $response: { body: "secret" } }), "x");

  const everything = `${failure.message} ${JSON.stringify(failure)} ${String(failure.cause)} ${JSON.stringify(failure.cause)}`;
  expect(everything).not.toMatch(/IQoJ|wJalr|\$response/);
});

test.each([
  ["aborted\n  Deserialization error: to see the raw response, inspect the hidden field {error}.$response", "aborted"],
  [{ a: 1 }, ""],
])("of the message %j, people read the part about AWS", (message, read) => {
  const failure = Object.assign(new Error(), { code: "ECONNRESET", message });

  expect(awsFailure(failure, "x").what).toBe(`Can't reach AWS for x (ECONNRESET${read && ": "}${read})`);
});

test("AWS's words reach a terminal on one line, without control characters, and none of them is endless", () => {
  const failure = awsFailure(anError("\u001b[2J\u202eX".repeat(1_000_000), "\u001b]0;me\u0007\u2028b"), "x");

  expect(failure.what).toMatch(/^AWS failed at x \(\[2J X[^\p{Cc}\p{Cf}\u2028]+: \]0;me b\)$/u);
  expect(failure.what.length).toBeLessThan(200);
});

test("a failure that is ours already stays as it is", () => {
  const ours = new AccessError("cluster-not-active", "x");

  expect(awsFailure(ours, "y")).toBe(ours);
});

test("a thrown value that is no error is still reported", () => {
  expect(awsFailure("boom", "sts:AssumeRole on R").what).toBe("AWS failed at sts:AssumeRole on R (Error)");
});
