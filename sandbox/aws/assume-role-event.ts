import type { AssumeRoleInput } from "./assume-role-input.ts";
import { callerElement } from "./caller-element.ts";
import { eventOf } from "./cloudtrail-events.ts";
import type { AssumeRoleCall } from "./context.ts";
import type { CloudTrailEvent } from "./eks-cluster.ts";

/** The record of AssumeRole that CloudTrail keeps: who became whom, for which session name and source identity. */
export function assumeRoleEvent(
  { caller, input, region, refused, requestId }: AssumeRoleCall,
  at: Date,
): CloudTrailEvent {
  return eventOf({
    name: "AssumeRole",
    source: "sts.amazonaws.com",
    region,
    at,
    account: caller.identity.accountId,
    readOnly: true,
    requestId,
    userIdentity: callerElement(caller),
    request: requestElement(input),
    response: refused ? null : { assumedRoleUser: { arn: input.roleArn } },
    resources: [{ type: "AWS::IAM::Role", name: input.roleArn }],
    change: refused ? { errorCode: refused.code, errorMessage: refused.message } : {},
  });
}

function requestElement({ roleArn, sessionName, seconds, sourceIdentity, tags, transitive }: AssumeRoleInput): object {
  return {
    roleArn,
    roleSessionName: sessionName,
    durationSeconds: seconds,
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(tags.size === 0 ? {} : { tags: [...tags].map(([key, value]) => ({ key, value })) }),
    ...(transitive.size === 0 ? {} : { transitiveTagKeys: [...transitive] }),
  };
}
