import { type CloudTrailEvent, eventOf } from "./cloudtrail-events.ts";
import type { AssumeRoleCall } from "./context.ts";

/** The record of AssumeRole that CloudTrail keeps: who became whom, for which session name and source identity. */
export function assumeRoleEvent({ caller, input, region, refused }: AssumeRoleCall, at: Date): CloudTrailEvent {
  const { identity, session } = caller;
  const issuer = {
    type: "Role",
    principalId: identity.id,
    arn: identity.arn,
    accountId: identity.accountId,
    userName: identity.name,
  };
  return eventOf({
    name: "AssumeRole",
    source: "sts.amazonaws.com",
    region,
    at,
    account: identity.accountId,
    readOnly: true,
    userIdentity: {
      type: session ? "AssumedRole" : "IAMUser",
      principalId: caller.userId,
      arn: caller.arn,
      accountId: identity.accountId,
      accessKeyId: caller.accessKeyId,
      ...(session ? { sessionContext: { sessionIssuer: issuer } } : { userName: identity.name }),
    },
    request: {
      roleArn: input.roleArn,
      roleSessionName: input.sessionName,
      durationSeconds: input.seconds,
      ...(input.sourceIdentity === undefined ? {} : { sourceIdentity: input.sourceIdentity }),
      ...(input.tags.size === 0 ? {} : { tags: [...input.tags].map(([key, value]) => ({ key, value })) }),
    },
    response: refused ? null : { assumedRoleUser: { arn: input.roleArn } },
    resources: [{ type: "AWS::IAM::Role", name: input.roleArn }],
    change: refused ? { errorCode: refused.code, errorMessage: refused.message } : {},
  });
}
