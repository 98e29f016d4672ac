import { checkApproval } from "../approval/decide.ts";
import type { SealKeys } from "../approval/seal.ts";
import { type Change, type Plan, planChanges, type Refusal } from "../aws-auth/plan.ts";
import { type Drift, driftOf } from "../grant/drift.ts";
import { type DueWork, orphansOf, rememberedShares, shareIn, shareOf, withSealedEnds } from "../grant/due-work.ts";
import { baseOf, type Holding, type Share, type Target, targetOf } from "../grant/holding.ts";
import { usernameFor } from "../grant/username.ts";
import type { Cluster } from "../policy/cluster.ts";
import { mayRequest } from "../policy/may-request.ts";
import { readPrincipal } from "../principal/arn.ts";
import { digestOfChange } from "../request/digest.ts";
import type { AccessRequest } from "../request/request.ts";
import { type ClusterState, identityInDocument, planGuard } from "./cluster-state.ts";

/** A grant whose approval does not hold for what would be written now. */
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
  readonly leaving: readonly AccessRequest[];
  /** Grants in force that the document gives as it should. */
  readonly holding: readonly AccessRequest[];
  /** Grants in force whose part is gone, and stays gone. */
  readonly drifted: readonly Drift[];
  /** Grants in force whose part is gone, and is put back. */
  readonly repaired: readonly AccessRequest[];
  readonly data: Readonly<Record<string, string>>;
  readonly holdings: readonly Holding[];
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

/** The work with every approval looked at again, and what is missing found. */
interface Checked {
  readonly voided: readonly VoidApproval[];
  readonly arriving: readonly AccessRequest[];
  readonly leaving: readonly AccessRequest[];
  readonly holding: readonly AccessRequest[];
  readonly drifted: readonly Drift[];
  readonly repaired: readonly AccessRequest[];
}

/** Decides what the document must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settle(input: SettleInput): SettlementResult {
  return planFor(input, check(input), []);
}

function check(input: SettleInput): Checked {
  const { cluster, state, now } = input;
  const work = withSealedEnds(input.work, state.holdings, now);
  const voided = work.arriving.flatMap((request) => {
    const message = voidReason(input, request);
    return message === null ? [] : [{ request, message }];
  });
  const drifts = work.staying.flatMap((request) => {
    const entry = identityInDocument(state.document, request.principal);
    return driftOf(request, entry, state.configMap?.managers ?? []) ?? [];
  });
  // What the cluster's memory does not hold either is only put back where the approval still speaks for it.
  const repaired = drifts
    .map((drift) => drift.request)
    .filter(
      (request) => cluster.drift === "repair" && (shareIn(state.holdings, request) ?? !voidReason(input, request)),
    );
  return {
    voided,
    arriving: without(
      work.arriving,
      voided.map((each) => each.request),
    ),
    leaving: work.leaving,
    holding: without(
      work.staying,
      drifts.map((drift) => drift.request),
    ),
    drifted: drifts.filter((drift) => !repaired.includes(drift.request)),
    repaired,
  };
}

/** Plans with these arriving grants; where some are refused, plans again without them. */
function planFor(input: SettleInput, checked: Checked, refused: Settlement["refused"]): SettlementResult {
  const { cluster, state } = input;
  const { voided, arriving } = checked;
  const targets = targetsOf(input, checked);
  const changes: Change[] = [...targets.values()].map((target) => target.change);
  const plan = planChanges(state.document, changes, planGuard(cluster, cluster.levels));
  if (plan.type === "refused") return { type: "refused", refusal: plan.refusal, voided };
  const left = refusedRequests(plan, arriving);
  if (left.length > 0) {
    const rest = without(
      arriving,
      left.map((each) => each.request),
    );
    return planFor(input, { ...checked, arriving: rest }, [...refused, ...left]);
  }
  const [stuck] = plan.refused;
  if (stuck) return { type: "refused", refusal: stuck, voided };
  const untouched = [...state.holdings].filter(([key]) => !targets.has(key)).map(([, holding]) => holding);
  const holdings = [...untouched, ...[...targets.values()].flatMap((target) => target.holding ?? [])];
  const { leaving, holding, drifted, repaired } = checked;
  return {
    type: "settled",
    settlement: { voided, refused, granted: arriving, leaving, holding, drifted, repaired, data: plan.after, holdings },
  };
}

/** The entry that each principal with something to be done must have, by lower-case ARN. */
function targetsOf(input: SettleInput, checked: Checked): ReadonlyMap<string, Target> {
  const { work, state, closed, now } = input;
  const open = [...work.arriving, ...work.leaving, ...work.staying];
  const targets = new Map<string, Target>();
  for (const key of touchedPrincipals(input, checked)) {
    const holding = state.holdings.get(key);
    const arn = holding?.arn ?? open.find((request) => request.principal.toLowerCase() === key)?.principal ?? key;
    const remembered = rememberedShares(holding ? orphansOf(holding, open) : [], closed, now);
    const shares = [...sharesOf(state, checked, key), ...remembered].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const principal = readPrincipal(arn);
    const username = principal.type === "principal" ? usernameFor(principal.principal) : arn;
    targets.set(key, targetOf(arn, identityInDocument(state.document, arn), holding, shares, username));
  }
  return targets;
}

/** What the cluster remembers of a grant in force is sealed, and goes before the record in Redis. */
function sharesOf(state: ClusterState, { arriving, holding, repaired }: Checked, key: string): readonly Share[] {
  const own = (requests: readonly AccessRequest[]) =>
    requests.filter((request) => request.principal.toLowerCase() === key);
  return [
    ...own(arriving).map(shareOf),
    ...own(holding).flatMap((request) => shareIn(state.holdings, request) ?? []),
    ...own(repaired).map((request) => shareIn(state.holdings, request) ?? shareOf(request)),
  ];
}

/** Principals with something arriving, leaving or to be put back, or with a share that is over and still stands there. */
function touchedPrincipals({ work, state, closed, now }: SettleInput, checked: Checked): ReadonlySet<string> {
  const open = [...work.arriving, ...work.leaving, ...work.staying];
  const moving = [...work.arriving, ...checked.leaving, ...checked.repaired];
  const touched = new Set(moving.map((request) => request.principal.toLowerCase()));
  for (const key of state.lost) {
    if (checked.holding.some((request) => request.principal.toLowerCase() === key)) touched.add(key);
  }
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

function without(all: readonly AccessRequest[], some: readonly AccessRequest[]): readonly AccessRequest[] {
  return all.filter((request) => !some.includes(request));
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
