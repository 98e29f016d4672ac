import type { Caller } from "./identities.ts";

/** The element userIdentity of a record, for somebody who made a call (CloudTrail User Guide, "userIdentity element"). */
export function callerElement({
  identity,
  session,
  userId,
  arn,
  accessKeyId,
}: Caller): Readonly<Record<string, unknown>> {
  const { accountId, name: userName } = identity;
  const issuer = { type: "Role", principalId: identity.id, arn: identity.arn, accountId, userName };
  const caller = { principalId: userId, arn, accountId, accessKeyId };
  return session
    ? { type: "AssumedRole", ...caller, sessionContext: { sessionIssuer: issuer } }
    : { type: "IAMUser", ...caller, userName };
}
