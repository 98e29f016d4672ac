import { checkApproval } from "../approval/decide.ts";
import type { SealKeys } from "../approval/seal.ts";
import { type Change, type Plan, planChanges, type Refusal } from "../aws-auth/plan.ts";
import { type DueWork, orphansOf, sharesInForce } from "../grant/due-work.ts";
import { baseOf, type Holding, type Target, targetOf } from "../grant/holding.ts";
import { usernameFor } from "../grant/username.ts";
import type { Cluster } from "../policy/cluster.ts";
import { mayRequest } from "../policy/may-request.ts";
import { readPrincipal } from "../principal/arn.ts";
import { digestOfChange } from "../request/digest.ts";
import type { AccessRequest } from "../request/request.ts";
import { type ClusterState, identityInDocument, planGuard } from "./cluster-state.ts";

/** An arriving grant whose approval does not hold for what would be written now. */
export interface VoidApproval {
  readonly request: AccessRequest;
  readonly message: string;
}

/** A decision about one cluster: a pure value of what was read. */
export interface Settlement {
  readonly voided: readonly VoidApproval[];
  /** Arriving grants that the plan can't take, each with the reason. */
  readonly refused: readonly { readonly request: AccessRequest; readonly refusal: Refusal }[];
  /** Arriving grants that the document after the write gives. */
  readonly granted: readonly AccessRequest[];
  readonly data: Readonly<Record<string, string>>;
  readonly holdings: readonly Holding[];
  readonly diff: string;
}

export type SettlementResult =
  | { readonly type: "settled"; readonly settlement: Settlement }
  /** The document as a whole can't be changed: nothing is written. */
  | { readonly type: "refused"; readonly refusal: Refusal; readonly voided: readonly VoidApproval[] };

export interface SettleInput {
  readonly cluster: Cluster;
  readonly work: DueWork;
  readonly state: ClusterState;
  /** Ids named by the annotation that the ledger knows to be over. */
  readonly closed: ReadonlySet<string>;
  readonly sealKeys: SealKeys;
  readonly now: Date;
}

/** Decides what the document must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settle(input: SettleInput): SettlementResult {
  const { work } = input;
  const voided = work.arriving.flatMap((request) => {
    const message = voidReason(input, request);
    return message === null ? [] : [{ request, message }];
  });
  const valid = work.arriving.filter((request) => !voided.some((each) => each.request.id === request.id));
  return planFor(input, valid, voided, []);
}

/** Plans with these arriving grants; where some are refused, plans again without them. */
function planFor(
  input: SettleInput,
  arriving: readonly AccessRequest[],
  voided: readonly VoidApproval[],
  refused: Settlement["refused"],
): SettlementResult {
  const { cluster, state } = input;
  const targets = targetsOf(input, arriving);
  const changes: Change[] = [...targets.values()].map((target) => target.change);
  const plan = planChanges(state.document, changes, planGuard(cluster, cluster.levels));
  if (plan.type === "refused") return { type: "refused", refusal: plan.refusal, voided };
  const left = refusedRequests(plan, arriving);
  if (left.length > 0) {
    const rest = arriving.filter((request) => !left.some((each) => each.request.id === request.id));
    return planFor(input, rest, voided, [...refused, ...left]);
  }
  const [stuck] = plan.refused;
  if (stuck) return { type: "refused", refusal: stuck, voided };
  const untouched = [...state.holdings].filter(([key]) => !targets.has(key)).map(([, holding]) => holding);
  const holdings = [...untouched, ...[...targets.values()].flatMap((target) => target.holding ?? [])];
  const settlement = { voided, refused, granted: arriving, data: plan.after, holdings, diff: plan.diff };
  return { type: "settled", settlement };
}

/** The entry that each principal with something due must have, by lower-case ARN. */
function targetsOf(input: SettleInput, arriving: readonly AccessRequest[]): ReadonlyMap<string, Target> {
  const { work, state, closed, now } = input;
  const open = [...work.arriving, ...work.leaving, ...work.staying];
  const inForce = [...work.staying, ...arriving];
  const targets = new Map<string, Target>();
  for (const key of touchedPrincipals(input)) {
    const holding = state.holdings.get(key);
    const arn = holding?.arn ?? open.find((request) => request.principal.toLowerCase() === key)?.principal ?? key;
    const orphans = holding ? orphansOf(holding, open) : [];
    const own = inForce.filter((request) => request.principal.toLowerCase() === key);
    const shares = sharesInForce(own, orphans, closed, now);
    const principal = readPrincipal(arn);
    const username = principal.type === "principal" ? usernameFor(principal.principal) : arn;
    targets.set(key, targetOf(arn, identityInDocument(state.document, arn), holding, shares, username));
  }
  return targets;
}

/** Principals with something arriving or leaving, or with a share that is over and still stands in the annotation. */
function touchedPrincipals({ work, state, closed, now }: SettleInput): ReadonlySet<string> {
  const open = [...work.arriving, ...work.leaving, ...work.staying];
  const touched = new Set([...work.arriving, ...work.leaving].map((request) => request.principal.toLowerCase()));
  for (const [key, holding] of state.holdings) {
    const stale = orphansOf(holding, open).some(
      (share) => closed.has(share.id) || Date.parse(share.endsAt) <= now.getTime(),
    );
    if (stale) touched.add(key);
  }
  return touched;
}

function refusedRequests(plan: Plan, arriving: readonly AccessRequest[]): Settlement["refused"] {
  return plan.refused.flatMap((refusal) =>
    arriving
      .filter((request) => request.principal.toLowerCase() === refusal.arn?.toLowerCase())
      .map((request) => ({ request, refusal })),
  );
}

function voidReason({ cluster, state, sealKeys }: SettleInput, request: AccessRequest): string | null {
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) return `${cluster.name} does not offer ${request.level} any more`;
  const principal = readPrincipal(request.principal);
  if (principal.type === "invalid") return principal.message;
  const wish = { cluster, level, principal: principal.principal, durationSeconds: request.durationSeconds };
  const allowed = mayRequest(wish);
  if (allowed.type === "refused") return allowed.message;
  if ([...level.groups].sort().join() !== [...request.groups].sort().join()) return "the level's groups have changed";
  const { arn } = principal.principal;
  const base = baseOf(identityInDocument(state.document, arn), state.holdings.get(arn.toLowerCase()));
  const verdict = checkApproval(request, cluster, digestOfChange(request, cluster, level, base), sealKeys);
  return verdict.type === "void" ? verdict.message : null;
}
