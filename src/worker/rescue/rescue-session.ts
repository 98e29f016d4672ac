import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explainFailure, withRemedy } from "../../access/access-error.ts";
import { canonicalCaller } from "../../access/arn.ts";
import type { AuditEvent, EventType } from "../../access/audit-event.ts";
import type { KeptName } from "../../access/lease/kept-documents.ts";
import type { Lease } from "../../access/lease/lease-record.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { withoutRolePath } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { isClosed, withLease } from "../../access/request.ts";
import { digestOfEvent } from "../../access/seal.ts";
import type { AwsCredentials } from "../../aws/client-settings.ts";
import type { ClusterDescription, EksCluster } from "../../aws/eks-cluster.ts";
import { nothingSessionPolicy, type Purpose, sessionNameOf } from "../../aws/session-policy.ts";
import { assumeRole, callerIdentity, ownCredentials } from "../../aws/sts.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthContent } from "../../kubernetes/config-map.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { eventOf, type RecordContext, recordChanged, updateRequest } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { connectAs } from "../open-cluster.ts";
import type { Repairer } from "./repair-document.ts";

export interface SignedInCluster {
  readonly client: ClusterClient;
  /** Whether it is the lease's principal: that proves its sign-in. */
  readonly isLeased: boolean;
  /** Milliseconds from the entry's creation to the admitted call. */
  readonly afterMs: number;
}

export type SignInResult =
  | { readonly type: "in"; readonly signedIn: SignedInCluster }
  /** Why none of them got in: sentences. */
  | { readonly type: "out"; readonly why: readonly string[] };

/** An entry takes effect within some seconds (EKS User Guide, "Create access entries"). */
const tries = 12;

export interface Candidate {
  readonly name: string;
  readonly isLeased: boolean;
  readonly credentials: () => Promise<AwsCredentials>;
}

/** The lease's principal: our own identity if it is the same, otherwise a session of its role without AWS rights. */
export function leasedCandidate({ region }: Cluster, principalArn: string, purpose: Purpose): Candidate {
  return {
    name: principalArn,
    isLeased: true,
    credentials: async () => {
      const { arn } = await callerIdentity("default", region);
      const own = (canonicalCaller(arn) ?? arn).toLowerCase();
      if (own === withoutRolePath(principalArn).toLowerCase()) return ownCredentials(region);
      const sessionName = sessionNameOf(purpose.requester, purpose.id);
      return assumeRole("default", { roleArn: principalArn, region, sessionName, policy: nothingSessionPolicy() });
    },
  };
}

/** The entry is eventually consistent: it tries again, with a new token, because the API server caches its answer. */
export async function signInAsOne(
  cluster: Cluster,
  description: ClusterDescription,
  candidates: readonly Candidate[],
  purpose: Purpose,
  { now, pause = wait, say }: Pick<RescueContext, "now" | "pause" | "say">,
): Promise<SignInResult> {
  const why: string[] = [];
  const start = now().getTime();
  for (const { name, isLeased, credentials } of candidates) {
    let last: unknown = null;
    say(`Signing in as ${name}.`);
    try {
      const session = await credentials();
      for (let attempt = 0; attempt < tries; attempt += 1) {
        if (attempt > 0) await pause(Math.min(5_000, 50 * 2 ** attempt));
        // Two tries within a second must have different tokens.
        const options = { tokenSeconds: 60 + attempt, ...(!isLeased && { as: name }) };
        const client = await connectAs(session, cluster, description, now(), [purpose], options);
        try {
          const reading = client.readAwsAuth();
          await (isLeased ? reading.catch(ofItsEntry) : reading);
          return { type: "in", signedIn: { client, isLeased, afterMs: now().getTime() - start } };
        } catch (error) {
          client.close();
          last = error;
        }
      }
    } catch (error) {
      last = error;
    }
    why.push(`${name}: ${explainFailure(last)}`);
  }
  return { type: "out", why };
}

/** A refusal of the lease's principal is about its new entry, not about the creator. */
const ofItsEntry = withRemedy("Try again in a minute.", "cluster-unauthorized", "cluster-forbidden");

export interface RescueOrder {
  readonly cluster: Cluster;
  readonly principalArn: string;
  readonly by: string;
  /** The rescuer's ARN, by AWS. */
  readonly as: string;
  readonly durationSeconds: number;
  readonly reason: string;
  /** The last good document, or the choice of a copy in the cluster; null: not given. */
  readonly good: AwsAuthContent | KeptName | null;
  readonly keeps: boolean;
}

export type RescueContext = Pick<WorkerContext, "keys" | "now"> & {
  readonly pause?: (ms: number) => Promise<unknown>;
  /** EKS as the rescuing identity, in a new session each time: a switch of the mode takes minutes. */
  readonly openEks: () => Promise<EksCluster>;
  /** Identities that can sign in if the lease's principal can't: the creator. */
  readonly others: readonly Candidate[];
  readonly creatorArn: string | null;
  readonly say: (sentence: string) => void;
  /** To operators, where there is a ledger. */
  readonly reportChanges: Repairer["reportChanges"];
};

export interface RescueJournal {
  readonly request: () => ApprovedRequest;
  note: (type: EventType, change: (lease: Lease) => Lease, detail: AuditEvent["detail"]) => Promise<void>;
  /** Whether someone ended it. */
  isOver: () => Promise<boolean>;
}

/** The rescue ended meanwhile: a closed record stays closed. */
export function rescueIsOver({ id }: AccessRequest): AccessError {
  return new AccessError("record-changed", `The rescue ${id} has ended`, { remedy: "Start another one." });
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
    isOver: async () => {
      const current = await context.ledger.get(request.id);
      return !current?.lease || isClosed(current) || current.lease.end !== null;
    },
    note: async (type, change, detail) => {
      const wasClosed = isClosed(request);
      request = await updateRequest<ApprovedRequest>(context, request.id, (current) => {
        if (!current?.lease) throw recordChanged(request.id);
        if (isClosed(current) && !wasClosed) throw rescueIsOver(current);
        const after = withLease(current, change(current.lease));
        return { type: "write", after, event: eventOf(type, after, actor, context.now(), detail), outcome: after };
      });
    },
  };
}

/** Without a ledger: a line of text for each event of the audit log. */
export function printedJournal(
  begun: ApprovedRequest,
  actor: string,
  now: () => Date,
  print: (line: string) => void,
): RescueJournal {
  let request = begun;
  return {
    request: () => request,
    isOver: async () => false,
    note: async (type, change, detail) => {
      request = withLease(request, change(request.lease));
      print(lineOf(eventOf(type, request, actor, now(), detail)));
    },
  };
}

export function lineOf(event: AuditEvent): string {
  return `${JSON.stringify({ ...event, digest: digestOfEvent(event) })}\n`;
}
