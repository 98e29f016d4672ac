import { callerElement } from "./caller-element.ts";
import { eventOf } from "./cloudtrail-events.ts";
import type { CloudTrailEvent } from "./eks-cluster.ts";
import type { AllowedCall, EksResult } from "./eks-service.ts";

/** What CloudTrail keeps of a call that changes something, done or refused; null for calls that only read. */
export function eksEvent(call: AllowedCall, result: EksResult, requestId: string, at: Date): CloudTrailEvent | null {
  if (/^(?:List|Describe)/.test(call.action)) return null;
  const { cluster, principalArn, policyArn, resourceArn, body, query } = call;
  const tagKeys = query.getAll("tagKeys");
  return eventOf({
    name: call.action,
    source: "eks.amazonaws.com",
    region: call.region,
    at,
    account: call.caller.identity.accountId,
    requestId,
    userIdentity: callerElement(call.caller),
    request: {
      ...(cluster === "" ? {} : { name: cluster }),
      ...(principalArn === "" ? {} : { principalArn }),
      ...(policyArn === "" ? {} : { policyArn }),
      ...(resourceArn === "" ? {} : { resourceArn }),
      ...(tagKeys.length === 0 ? {} : { tagKeys }),
      ...body,
    },
    response: result.type === "done" ? result.body : null,
    resources: cluster === "" ? [] : [{ type: "AWS::EKS::Cluster", name: cluster }],
    change: result.type === "done" ? {} : { errorCode: result.code, errorMessage: result.message },
  });
}
