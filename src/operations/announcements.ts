import { channel } from "node:diagnostics_channel";
import type { AuditEvent } from "../access/audit/event.ts";

export const finishedSteps = announcements<{ readonly step: RunStep; readonly seconds: number }>("step");

export const finishedCalls = announcements<FinishedCall>("call");

/** How many active approvers each level lacks, by each of its rules. */
export const approversChecked = announcements<readonly ApproverShortage[]>("approvers");

/** An event that this process wrote into the ledger. */
export const recordedEvents = announcements<AuditEvent>("event");

/** An answered request of Slack; in Socket Mode the status is 200. */
export const answeredRequests = announcements<{ readonly status: number; readonly seconds: number }>("answer");

interface Announcements<Value extends object> {
  readonly publish: (value: Value) => void;
  /** Calls the listener until the returned function is called. */
  readonly subscribe: (listener: (value: Value) => void) => () => void;
}

function announcements<Value extends object>(name: string): Announcements<Value> {
  const line = channel(`eks-access:${name}`);
  return {
    publish: (value) => line.publish(value),
    subscribe: (listener) => {
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
