import { identityOfEntry } from "../access-entry/identity.ts";
import { AccessError } from "../failure/access-error.ts";
import { sealedEnd } from "../grant/due-work.ts";
import { step } from "../metrics/steps.ts";
import type { AccessRequest } from "../request/request.ts";
import { placeOf } from "../tracing/request-traces.ts";
import type { EntryTools } from "./carry-out-entry.ts";
import type { WorkerContext } from "./context.ts";
import { inParallel } from "./in-parallel.ts";
import type { OpenedCluster } from "./open-cluster.ts";
import { activate, end, fail, noteDrift, putOff, voidApproval } from "./outcome.ts";
import { inEntries, prove } from "./prove.ts";
import type { EntryOutcome } from "./reconcile-entries.ts";
import type { EntrySettlement } from "./settle-entries.ts";

/**
 * A call that was not answered may still arrive: AWS takes it as long as its signature is valid, which is five minutes
 * (IAM User Guide, "Signature Version 4"), and there is no version that would refuse it. So long nobody is told that
 * nothing is left of a grant of which that is not certain. Milliseconds, with room for clocks that differ.
 */
const lateCallMs = 6 * 60_000;

export interface CarriedOut {
  readonly decided: EntrySettlement;
  /** The arriving grants as their records are now. */
  readonly begun: readonly AccessRequest[];
  /** By lower-case ARN. */
  readonly outcomes: ReadonlyMap<string, EntryOutcome>;
  /** Whether a request's principal is not to be tried again in this run. */
  readonly isDone: (request: AccessRequest) => boolean;
}

/** Proves each grant by what was read back, and records what came of each. */
export async function recordEntryOutcomes(
  context: WorkerContext,
  opened: OpenedCluster,
  tools: EntryTools,
  { decided, begun, outcomes, isDone }: CarriedOut,
): Promise<void> {
  const outcomeOf = ({ principal }: AccessRequest) => outcomes.get(principal.toLowerCase());
  await inParallel(
    decided.voided.filter(({ request }) => isDone(request)),
    async ({ request, message }) => {
      const doubt = doubtOf(context, request);
      await (doubt ? putOff(context, request, doubt) : voidApproval(context, request, message));
    },
  );
  await inParallel(decided.refused, ({ request, refusal }) => fail(context, request, refusal));
  await inParallel([...begun, ...decided.repaired].filter(isDone), (request) =>
    recordGiven(context, opened, tools, decided, request, outcomeOf(request)),
  );
  await inParallel(decided.leaving.filter(isDone), (request) => recordTaken(context, request, outcomeOf(request)));
  await inParallel(decided.drifted, ({ request, message }) => noteDrift(context, request, message));
  await inParallel(decided.holding, (request) => noteDrift(context, request, null));
}

async function recordGiven(
  context: WorkerContext,
  { client }: OpenedCluster,
  { cluster }: EntryTools,
  { targets, arriving }: EntrySettlement,
  request: AccessRequest,
  outcome: EntryOutcome | undefined,
): Promise<void> {
  const holding = targets.get(request.principal.toLowerCase())?.holding;
  if (!outcome || !holding) return;
  if (outcome.failure !== null) {
    const before = arriving.find(({ id }) => id === request.id);
    const certain = certainRefusal(outcome.failure, before);
    return certain ? fail(context, unwritten(request), certain) : putOff(context, request, outcome.failure);
  }
  const readBack = inEntries(identityOfEntry(outcome.entry, holding), request.principal, outcome.tookMs);
  const proving = () => prove(client, cluster, request, readBack, context.now);
  const proof = await step("prove", proving, placeOf(context, request));
  await activate(context, request, proof, holding, "access-entry");
}

/** EKS has answered that it takes no such entry, and nothing was sent for this grant before: nothing of it is there. */
function certainRefusal(failure: unknown, before: AccessRequest | undefined): AccessError | null {
  const isRefused = failure instanceof AccessError && failure.code === "access-entry-refused";
  return isRefused && !before?.grant?.writeBegan ? failure : null;
}

function unwritten(request: AccessRequest): AccessRequest {
  return request.grant ? { ...request, grant: { ...request.grant, writeBegan: null } } : request;
}

async function recordTaken(
  context: WorkerContext,
  request: AccessRequest,
  outcome: EntryOutcome | undefined,
): Promise<void> {
  const failure = outcome?.failure ?? doubtOf(context, request);
  if (failure) return putOff(context, request, failure);
  await end(context, request, identityOfEntry(outcome?.entry ?? null, undefined));
}

/** Why it is not certain yet that nothing of a grant comes to stand there; null: it is. */
function doubtOf({ now }: WorkerContext, request: AccessRequest): AccessError | null {
  const { grant } = request;
  if (grant?.state !== "scheduled" || !grant.writeBegan) return null;
  const decided = Date.parse(grant.end?.at ?? sealedEnd(request));
  const since = Math.max(Math.min(decided, now().getTime()), Date.parse(grant.writeBegan));
  if (now().getTime() >= since + lateCallMs) return null;
  return new AccessError(
    "access-entry-late",
    `It is not certain before ${new Date(since + lateCallMs).toISOString()} that no call to EKS for ${request.principal} is still on its way`,
  );
}
