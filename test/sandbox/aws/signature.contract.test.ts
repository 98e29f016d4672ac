import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";
import { sendPresigned } from "./presigned.ts";

// Copies: IAM User Guide, "Troubleshoot Signature Version 4 signing for AWS API requests", and STS API reference, "Common Errors".

let aws: Awaited<ReturnType<typeof anAccount>>;

beforeEach(async () => {
  aws = await anAccount();
});
afterEach(() => aws.stop());

const whoAmI = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
  refusalOf(clientsOf(aws.url, credentials).sts.send(new GetCallerIdentityCommand({})));

describe("a signed header", () => {
  it("is refused with the wrong secret", async () => {
    const user = aws.account.addUser({ name: "dev" });

    const refusal = await whoAmI({ ...user, secretAccessKey: "guessed" });

    expect(refusal).toMatchObject({ name: "SignatureDoesNotMatch", status: 403 });
    expect(refusal.message).toMatch(/^The request signature we calculated does not match/);
  });

  it.each([
    ["an access key that does not exist", () => ({ accessKeyId: "AKIAEXAMPLE", secretAccessKey: "x" })],
    [
      "an access key whose user is gone",
      () => {
        const user = aws.account.addUser({ name: "dev" });
        aws.account.removeIdentity(user.arn);
        return user;
      },
    ],
    [
      "a session without its token",
      () => {
        const { accessKeyId, secretAccessKey } = aws.account.sessionFor(aws.account.addRole({ name: "r" }).arn, "me");
        return { accessKeyId, secretAccessKey };
      },
    ],
    [
      "a session whose role is gone",
      () => {
        const { arn } = aws.account.addRole({ name: "r" });
        const session = aws.account.sessionFor(arn, "me");
        aws.account.removeIdentity(arn);
        return session;
      },
    ],
  ])("is refused for %s", async (_who, credentials) => {
    const refusal = await whoAmI(credentials());

    expect(refusal).toEqual({
      name: "InvalidClientTokenId",
      message: "The security token included in the request is invalid.",
      status: 403,
    });
  });

  it("is refused once the session has expired", async () => {
    const session = aws.account.sessionFor(aws.account.addRole({ name: "r" }).arn, "me", { seconds: 60 });
    aws.clock.pass(61);

    const refusal = await whoAmI(session);

    expect(refusal).toMatchObject({ name: "ExpiredToken", status: 403 });
  });

  it.each([
    ["too old", 301, /^Signature expired: \w+ is now earlier than \w+ \(\w+ - 5 min\.\)$/],
    // Each second on the way takes one from it.
    ["from the future", -360, /^Signature not yet current: \w+ is still later than \w+ \(\w+ \+ 5 min\.\)$/],
  ])("is refused when its date is %s", async (_when, seconds, message) => {
    const user = aws.account.addUser({ name: "dev" });
    // A client that learns the server's time from one refusal corrects its clock, so only the first call shows it.
    aws.clock.pass(seconds);

    const refusal = await whoAmI(user);

    expect(refusal.message).toMatch(message);
  });

  it("is refused without one", async () => {
    const response = await fetch(`${aws.url}/?Action=GetCallerIdentity&Version=2011-06-15`);

    expect(response.status).toBe(403);
    expect(await response.text()).toContain("<Code>MissingAuthenticationToken</Code>");
  });

  it("is refused for another service", async () => {
    const user = aws.account.addUser({ name: "dev" });

    const answer = await sendPresigned(aws.url, user, { service: "ec2" });

    expect(answer).toMatchObject({ status: 403 });
    expect(answer.body).toContain("Credential should be scoped to correct service: 'sts'.");
  });
});

describe("a presigned URL", () => {
  it("is answered for its real host, in JSON where that is asked for", async () => {
    const user = aws.account.addUser({ name: "dev" });

    const answer = await sendPresigned(aws.url, user);

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({
      GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn: user.arn } },
    });
  });

  it.each([
    ["another value in the signed x-k8s-aws-id header", { sentCluster: "other" }],
    ["another host than the signed one", { sentHost: "sts.eu-west-1.amazonaws.com" }],
    ["a region that is not the host's", { region: "eu-west-1" }],
  ])("is refused with %s", async (_what, change) => {
    const user = aws.account.addUser({ name: "dev" });

    const answer = await sendPresigned(aws.url, user, change);

    expect(answer.status).toBe(403);
    expect(answer.body).toContain("<Code>SignatureDoesNotMatch</Code>");
  });

  it("lives for 15 minutes whatever X-Amz-Expires says", async () => {
    const user = aws.account.addUser({ name: "dev" });
    const send = () => sendPresigned(aws.url, user, { expiresIn: 60, signedAt: new Date() });

    aws.clock.pass(14 * 60);
    const within = await send();
    aws.clock.pass(2 * 60);
    const after = await send();

    expect(within.status).toBe(200);
    expect(after.body).toMatch(/Signature expired: .* - 15 min\.\)/);
  });
});
