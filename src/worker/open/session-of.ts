import type { AssumeOptions } from "../../aws/sts.ts";
import { sessionNameOf } from "../../aws/sts.ts";

/** The shortest session that STS gives, in seconds; it would give a chain an hour at most. */
const sessionSeconds = 900;

/** For whom a cluster is opened: a request, or what somebody asked in Slack. CloudTrail shows it. */
export interface Errand {
  readonly id: string;
  /** Slack user id. */
  readonly requester: string;
}

/** How a session that is assumed for these is named, whose it is, and how long it lasts. */
export function sessionOf(
  errands: readonly Errand[],
): Pick<AssumeOptions, "sessionName" | "sourceIdentity" | "durationSeconds"> {
  const requesters = requestersOf(errands);
  const [only] = requesters;
  return {
    sessionName: sessionNameOf(...requesters, ...errands.map((errand) => errand.id)),
    sourceIdentity: requesters.length === 1 && only ? only : "eks-access",
    durationSeconds: sessionSeconds,
  };
}

/** The session tags that say for whom and for which requests. */
export function tagsOf(errands: readonly Errand[]): Record<string, string> {
  const ids = errands.map((errand) => errand.id);
  return { "eks-access:requests": tagValue(ids), "eks-access:requesters": tagValue(requestersOf(errands)) };
}

function requestersOf(errands: readonly Errand[]): readonly string[] {
  return [...new Set(errands.map((request) => request.requester))];
}

/** AWS bounds a tag's value to 256 characters; what does not fit is counted, and the audit log has it all. */
function tagValue(values: readonly string[]): string {
  const text = values.join(" ");
  return text.length <= 256 ? text : `${values[0]} and ${values.length - 1} more`;
}
