import { channel } from "node:diagnostics_channel";
import type { AuditEvent } from "../access/audit-event.ts";
import { entryArnOf, withoutRolePath } from "../access/principal.ts";
import { addToTrace, traced, type Work } from "./traced.ts";

export const finishedSteps = announcements<{ readonly step: RunStep; readonly seconds: number }>("step");

export const finishedCalls = announcements<FinishedCall>("call");

/** How many active approvers each level lacks, by each of its rules. */
export const approversChecked = announcements<readonly ApproverShortage[]>("approvers");

/** An event that this process wrote into the ledger. */
export const recordedEvents = announcements<AuditEvent>("event");

/** An answered request of Slack; in Socket Mode the status is 200. */
export const answeredRequests = announcements<{ readonly status: number; readonly seconds: number }>("answer");

function announcements<Value extends object>(name: string) {
  const line = channel(`eks-access:${name}`);
  return {
    publish: (value: Value): void => line.publish(value),
    subscribe: (listener: (value: Value) => void) => {
      const listen = (value: unknown) => listener(value as Value);
      line.subscribe(listen);
      return () => void line.unsubscribe(listen);
    },
  };
}

export interface FinishedCall {
  readonly service:
    | "slack"
    | "sts"
    | "iam"
    | "eks"
    | "cloudtrail"
    | "identitystore"
    | "sso"
    | "s3"
    | "events"
    | "organizations"
    | "kubernetes"
    | "webhook";
  /** The name in the service's own API: `AssumeRole`, `chat.update`, `PUT configmaps`. */
  readonly operation: string;
  /** `ok`, the HTTP status, Slack's error code, or `unreachable`. */
  readonly result: string;
  readonly seconds: number;
}

/** In the order of a run on a cluster. */
export type RunStep =
  | "caller-identity"
  | "assume"
  | "describe"
  | "read"
  | "plan"
  | "dry-run"
  | "put"
  | "read-back"
  | "prove"
  | "sign-in";

/** How many active approvers a level of a cluster lacks; 0: none. */
export interface ApproverShortage {
  readonly cluster: string;
  readonly level: string;
  readonly missing: number;
}

/** Does one step of a run on a cluster, measures its time and shows it in the trace. */
export function measuredStep<T>(name: RunStep, act: () => Promise<T>, place: Omit<Work, "name"> = {}): Promise<T> {
  return traced({ name, ...place }, async () => {
    const startedAt = performance.now();
    try {
      return await act();
    } finally {
      finishedSteps.publish({ step: name, seconds: (performance.now() - startedAt) / 1000 });
    }
  });
}

/** Makes one call and announces its end. `resultOf` reads an answer; a call that throws got none. */
export async function observedCall<T>(
  call: Pick<FinishedCall, "service" | "operation">,
  run: () => Promise<T>,
  resultOf: (answer: T) => string,
): Promise<T> {
  return traced({ name: `${call.service} ${call.operation}`, kind: "client" }, async () => {
    const startedAt = performance.now();
    const end = (result: string) => {
      addToTrace({ "eks_access.result": result });
      finishedCalls.publish({ ...call, result, seconds: (performance.now() - startedAt) / 1000 });
    };
    try {
      const answer = await run();
      end(resultOf(answer));
      return answer;
    } catch (error) {
      end("unreachable");
      throw error;
    }
  });
}

export function resultOfStatus(status: number): string {
  return status < 400 ? "ok" : String(status);
}

/** The ids of one run's calls in the logs of AWS and of API servers. A call without an answer has none. */
export interface RequestIds {
  /** @param call as that log names it: `PUT configmaps` @param about a request or `principalOfCalls`; absent: the whole run */
  add(call: string, id: string, about?: string): void;
  /** In the order of the answers. @param abouts leaves out calls about anything else */
  byCall(abouts?: readonly string[]): Readonly<Record<string, readonly string[]>>;
}

const reading = /^(?:sts|iam|cloudtrail):|^eks:(?:Describe|List)|^GET |^POST selfsubjectreviews$| \(dry run\)$/;

/** What calls about a principal's access entry have in common: an entry's ARN has the role's path, and a lease can name a session. */
export function principalOfCalls(arn: string): string {
  return withoutRolePath(entryArnOf(arn)).toLowerCase();
}

/** What the calls for a request are about. */
export function calledFor({ id, principal }: { readonly id: string; readonly principal: string }): readonly string[] {
  return [id, principalOfCalls(principal)];
}

/** Whether a run sent, or may have sent, a call about these that changes a cluster. */
export function hasWrites(abouts: readonly string[], ...logs: readonly (RequestIds | undefined)[]): boolean {
  return logs.some((log) => Object.keys(log?.byCall(abouts) ?? {}).some((call) => !reading.test(call)));
}

export function requestIds(): RequestIds {
  const ofRun = "";
  const idsOf = new Map<string, Map<string, string[]>>();
  return {
    add: (call, id, about = ofRun) => {
      const ids = idsOf.get(about) ?? new Map<string, string[]>();
      idsOf.set(about, ids);
      ids.set(call, [...(ids.get(call) ?? []), id]);
    },
    byCall: (abouts) => {
      const found = new Map<string, string[]>();
      for (const each of abouts === undefined ? idsOf.keys() : [ofRun, ...abouts])
        for (const [call, ids] of idsOf.get(each) ?? []) found.set(call, [...(found.get(call) ?? []), ...ids]);
      return Object.fromEntries(found);
    },
  };
}
