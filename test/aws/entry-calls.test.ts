import { expect, test } from "vitest";
import { entryFailure } from "../../src/aws/entry-calls.ts";

const address = { eksName: "payments", region: "eu-central-1", account: "111122223333", partition: "aws" };
const engineer = "arn:aws:iam::111122223333:user/engineer";

function failureOf(name: string, message: string, status = 400) {
  const error = Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
  return entryFailure(error, "CreateAccessEntry", engineer, address);
}

test.each([
  ["ResourceInUseException", "access-entry-conflict", true],
  ["ResourceNotFoundException", "access-entry-conflict", true],
  ["ResourceLimitExceededException", "access-entry-limit", false],
  ["InvalidParameterException", "access-entry-refused", false],
  ["InvalidRequestException", "access-entry-mode", true],
  ["AccessDeniedException", "access-entry-denied", false],
  ["ThrottlingException", "aws-throttled", true],
  ["ServerException", "aws-failing", true],
  ["ServiceUnavailableException", "aws-failing", true],
])("%s of an access entry is reported as %s, with a remedy", (name, code, retryable) => {
  const failure = failureOf(name, "AWS's own words.");

  expect(failure).toMatchObject({ code, retryable });
  expect(failure.message).toMatch(
    /^AWS \w+( at)? eks:CreateAccessEntry on arn:\S+ in cluster payments in eu-central-1 of account 111122223333 \(\w+: AWS's own words\)\. [A-Z].+\.$/,
  );
});

test("a cluster that is not there is no access entry that is not there", () => {
  const failure = failureOf("ResourceNotFoundException", "No cluster found for name: payments.", 404);

  expect(failure).toMatchObject({ code: "cluster-not-found", retryable: false });
});
