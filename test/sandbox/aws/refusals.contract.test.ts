import { afterAll, beforeAll, expect, test } from "vitest";
import { type SandboxAws, startSandboxAws } from "../../../sandbox/aws/account.ts";
import { sendSigned } from "./sign-request.ts";

// Copies: IAM User Guide, "Troubleshoot Signature Version 4 signing for AWS API requests"; STS API Reference, "Common Errors";
// and restJson1 of Smithy, which names the error of an operation that is not there UnknownOperationException.

let aws: SandboxAws;

beforeAll(async () => {
  aws = await startSandboxAws();
});

afterAll(() => aws.stop());

test.each([
  ["without a scope", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE, SignedHeaders=host, Signature=00"],
  [
    "without a date",
    "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20300101/eu-central-1/sts/aws4_request, SignedHeaders=host, Signature=00",
  ],
])("a signature %s is incomplete", async (_, authorization) => {
  const answer = await fetch(aws.url, { method: "POST", headers: { authorization }, body: "Action=GetCallerIdentity" });

  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("<Code>IncompleteSignature</Code>");
});

test("the refusal names an unknown action of STS", async () => {
  const request = { service: "sts", method: "POST", path: "/", body: "Action=MakeCoffee&Version=2011-06-15" };

  const answer = await sendSigned(aws.url, aws.account.addUser({ name: "a" }), request);

  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("Could not find operation MakeCoffee for version 2011-06-15");
});

test("an unknown operation of EKS is refused in a header", async () => {
  const request = { service: "eks", method: "POST", path: "/clusters/main", body: "{}" };

  const answer = await sendSigned(aws.url, aws.account.addUser({ name: "b" }), request);

  expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([404, "UnknownOperationException"]);
});
