import { setTimeout as wait } from "node:timers/promises";
import { type AuditEvent, digestOfEvent, type EventType } from "../../access/audit/event.ts";
import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest, Lease } from "../../access/request/record.ts";
import { isClosed } from "../../access/request/request.ts";
import { withLease } from "../../access/request/transitions.ts";
import type { KeptName } from "../../access/rescue/kept.ts";
import { assumeRole } from "../../aws/assume-role.ts";
import { callerIdentity } from "../../aws/caller-identity.ts";
import type { AwsCredentials } from "../../aws/credentials.ts";
import type { ClusterDescription, EksCluster } from "../../aws/eks-cluster.ts";
import { ownCredentials } from "../../aws/own-credentials.ts";
import { sessionNameOf } from "../../aws/session-name.ts";
import { nothingSessionPolicy } from "../../aws/session-policy.ts";
import { canonicalCaller } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { type RecordContext, recordChanged } from "../../ledger/lifecycle.ts";
import { eventOf, updateRequest } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";
import { connectAs } from "../open/open-cluster.ts";
import type { Errand } from "../open/session-of.ts";
import type { GoodDocument } from "./repair-document.ts";

/** A cluster that somebody is signed in to. */
export interface SignedInCluster {
  readonly client: ClusterClient;
  /** Whether it is the principal of the lease: that it signed in is proved then. */
  readonly isLeased: boolean;
  /** From the call that was let in, in milliseconds since the entry stood. */
  readonly afterMs: number;
}

export type SignInResult =
  | { readonly type: "in"; readonly signedIn: SignedInCluster }
  /** Why nobody of them could: sentences. */
  | { readonly type: "out"; readonly why: readonly string[] };

/** An entry takes effect within some seconds (EKS User Guide, "Create access entries"). */
const tries = 12;

function tryAfterMs(attempt: number): number {
  return Math.min(5_000, 50 * 2 ** attempt);
}

/** Who may sign in for a rescue, in the order in which it is tried. */
export interface Candidate {
  readonly name: string;
  readonly isLeased: boolean;
  readonly credentials: () => Promise<AwsCredentials>;
}

/** The principal of the lease: who we are already where we are it, else a session of its role, which may do nothing in AWS. */
export function leasedCandidate({ region }: Cluster, principalArn: string, errand: Errand): Candidate {
  return {
    name: principalArn,
    isLeased: true,
    credentials: async () => {
      const { arn } = await callerIdentity("default", region);
      const bare = principalArn.replace(/:role\/.*\//, ":role/");
      if ((canonicalCaller(arn) ?? arn).toLowerCase() === bare.toLowerCase()) return ownCredentials(region);
      const sessionName = sessionNameOf(errand.requester, errand.id);
      return assumeRole("default", { roleArn: principalArn, region, sessionName, policy: nothingSessionPolicy() });
    },
  };
}

/**
 * Signs in as the first of these that the cluster lets in. The entry is eventually consistent: whoever is refused tries again,
 * each time with a new token, because the API server remembers what it said about a token.
 */
export async function signInAsOne(
  cluster: Cluster,
  description: ClusterDescription,
  candidates: readonly Candidate[],
  errand: Errand,
  { now, pause = wait }: { readonly now: () => Date; readonly pause?: (ms: number) => Promise<unknown> },
): Promise<SignInResult> {
  const why: string[] = [];
  const start = now().getTime();
  for (const { name, isLeased, credentials } of candidates) {
    let last: unknown = null;
    try {
      const session = await credentials();
      for (let attempt = 0; attempt < tries; attempt += 1) {
        if (attempt > 0) await pause(tryAfterMs(attempt));
        // So that two tries within a second have not the same token.
        const options = { tokenSeconds: 60 + attempt };
        const client = await connectAs(session, cluster, description, now(), [errand], options);
        try {
          await client.readAwsAuth();
          return { type: "in", signedIn: { client, isLeased, afterMs: now().getTime() - start } };
        } catch (error) {
          client.close();
          last = error;
        }
      }
    } catch (error) {
      last = error;
    }
    why.push(`${name}: ${explain(last)}`);
  }
  return { type: "out", why };
}

/** What somebody who rescues a cluster wants. */
export interface RescueOrder {
  readonly cluster: Cluster;
  /** As IAM has it, a role with its path. */
  readonly principalArn: string;
  /** Slack user id, as whoever runs it says. */
  readonly by: string;
  /** The ARN that AWS says whoever runs it has. */
  readonly as: string;
  readonly durationSeconds: number;
  readonly reason: string;
  /** The last good document, or which one of those that the cluster itself keeps; null: nobody says. */
  readonly good: GoodDocument | KeptName | null;
  /** Whether the lease stays until its end though all is well. */
  readonly keeps: boolean;
}

export type RescueContext = Pick<WorkerContext, "keys" | "now"> & {
  readonly pause?: (ms: number) => Promise<unknown>;
  /** EKS as who rescues the cluster, with a session of its own each time: a switch of the mode takes minutes. */
  readonly openEks: () => Promise<EksCluster>;
  /** Who else may sign in, where the principal of the lease can't: the creator. */
  readonly others: readonly Candidate[];
  readonly creatorArn: string | null;
  /** Told of each step when it is done. */
  readonly say: (sentence: string) => void;
};

/** Where a rescue is told, step by step, with its event. */
export interface RescueJournal {
  readonly request: () => ApprovedRequest;
  note: (type: EventType, change: (lease: Lease) => Lease, detail: AuditEvent["detail"]) => Promise<void>;
}

/** Somebody revoked it, or its time was over, before it gave anything or while it did: what is closed stays closed. */
export function overMeanwhile({ id }: AccessRequest): AccessError {
  return new AccessError("record-changed", `The rescue ${id} was ended meanwhile, and gives nothing any more`, {
    mend: "Begin another one if it is still needed.",
  });
}

/** In the ledger, where the messenger and the sweep find it. */
export function ledgerJournal(
  context: RecordContext<Pick<RequestLedger, "get" | "commit">> & { readonly now: () => Date },
  begun: ApprovedRequest,
  actor: string,
): RescueJournal {
  let request = begun;
  return {
    request: () => request,
    note: async (type, change, detail) => {
      const wasClosed = isClosed(request);
      request = await updateRequest<ApprovedRequest>(context, request.id, (current) => {
        if (!current?.lease) throw recordChanged(request.id);
        if (isClosed(current) && !wasClosed) throw overMeanwhile(current);
        const after = withLease(current, change(current.lease));
        return { type: "write", after, event: eventOf(type, after, actor, context.now(), detail), outcome: after };
      });
    },
  };
}

/** On paper, where there is no ledger: what would be in the audit log, a line for each event. */
export function printedJournal(
  begun: ApprovedRequest,
  actor: string,
  now: () => Date,
  print: (line: string) => void,
): RescueJournal {
  let request = begun;
  return {
    request: () => request,
    note: async (type, change, detail) => {
      request = withLease(request, change(request.lease));
      print(lineOf(eventOf(type, request, actor, now(), detail)));
    },
  };
}

/** An event as a line to be kept. */
export function lineOf(event: AuditEvent): string {
  return `${JSON.stringify({ ...event, digest: digestOfEvent(event) })}\n`;
}
