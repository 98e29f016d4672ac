import type { AssumeOptions } from "../../aws/sts.ts";
import { sessionNameOf } from "../../aws/sts.ts";

/** The shortest session that STS gives, in seconds; it would give a chain an hour at most. */
const sessionSeconds = 900;

/** The reason to open a cluster: a request, or a question from Slack. CloudTrail shows it. */
export interface Purpose {
  readonly id: string;
  /** Slack user id. */
  readonly requester: string;
}

/** How a session that is assumed for these is named, whose it is, and how long it lasts. */
export function sessionOf(
  purposes: readonly Purpose[],
): Pick<AssumeOptions, "sessionName" | "sourceIdentity" | "durationSeconds"> {
  const requesters = requestersOf(purposes);
  const [only] = requesters;
  return {
    sessionName: sessionNameOf(...requesters, ...purposes.map((purpose) => purpose.id)),
    sourceIdentity: requesters.length === 1 && only ? only : "eks-access",
    durationSeconds: sessionSeconds,
  };
}

/** The session tags that say for whom and for which requests. */
export function tagsOf(purposes: readonly Purpose[]): Record<string, string> {
  const ids = purposes.map((purpose) => purpose.id);
  return { "eks-access:requests": tagValue(ids), "eks-access:requesters": tagValue(requestersOf(purposes)) };
}

function requestersOf(purposes: readonly Purpose[]): readonly string[] {
  return [...new Set(purposes.map((request) => request.requester))];
}

/** AWS bounds a tag's value to 256 characters; what does not fit is counted, and the audit log has it all. */
function tagValue(values: readonly string[]): string {
  const text = values.join(" ");
  return text.length <= 256 ? text : `${values[0]} and ${values.length - 1} more`;
}
