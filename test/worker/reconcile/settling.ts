import { dueWork } from "../../../src/access/lease/cluster-leases.ts";
import { mapOwner } from "../../../src/access/lease/drift.ts";
import type { Holding } from "../../../src/access/lease/lease-record.ts";
import { noWithdrawals, type Withdrawals } from "../../../src/access/lease/withdrawal.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { ApprovedRequest } from "../../../src/access/record.ts";
import { finish } from "../../../src/aws-auth/go-yaml/budget.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import { readConfigMap } from "../../../src/kubernetes/config-map.ts";
import { settle } from "../../../src/worker/reconcile/document-way.ts";
import { inDocument } from "../../../src/worker/reconcile/prove.ts";
import {
  type ClusterState,
  type DocumentSettlement,
  identityInDocument,
} from "../../../src/worker/reconcile/settle-document.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { keys } from "../../builders/keys.ts";
import { at, minutes } from "../../builders/times.ts";

/** Whom the document knows at first. */
export const admins =
  '- rolearn: "arn:aws:iam::111122223333:role/admins"\n  username: admin:{{SessionName}}\n  groups: [system:masters]\n';

/** What a run reads, and what there is to be done. */
export interface Given {
  readonly open: readonly ApprovedRequest[];
  readonly mapRoles?: string;
  readonly mapUsers?: string;
  readonly holdings?: readonly Holding[];
  readonly lost?: ReadonlySet<string>;
  readonly closed?: readonly string[];
  readonly withdrawals?: Withdrawals;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletion?: { readonly deletionTimestamp: string; readonly finalizers: string[] };
  readonly drift?: "report" | "repair";
  readonly now?: Date;
  readonly cluster?: Cluster;
}

/** What a run decides about the document. */
export function settling({
  open,
  mapRoles = admins,
  mapUsers,
  holdings = [],
  lost = new Set(),
  closed = [],
  withdrawals = noWithdrawals,
  annotations,
  deletion,
  drift = "report",
  now = at(minutes(5)),
  cluster = aCluster({ drift }),
}: Given) {
  const data = { mapRoles, ...(mapUsers === undefined ? {} : { mapUsers }) };
  const document = parseDocument(data);
  const state: ClusterState = {
    configMap:
      annotations || deletion
        ? readConfigMap(
            { data, metadata: { annotations: { ...annotations }, ...deletion, resourceVersion: "1", uid: "u" } },
            "staging",
          )
        : null,
    owner: mapOwner(cluster, []),
    creatorArn: "arn:aws:iam::111122223333:role/cluster-creator",
    document,
    changed: new Map(),
    isRead: () => true,
    identityOf: (arn) => identityInDocument(document, arn),
    signsInAs: (arn) => inDocument(document, arn),
    isUnfinished: false,
    holdings: new Map(holdings.map((holding) => [holding.arn.toLowerCase(), holding])),
    lost,
    withdrawals,
    elsewhere: noWithdrawals,
    untrusted: null,
  };
  const steps = settle({
    cluster,
    way: "aws-auth",
    work: dueWork(open, now),
    state,
    closed: new Set(closed),
    keys,
    approvalGoodForSeconds: 3_600,
    links: new Map(),
    now,
  });
  return finish(steps);
}

/** The same of a document that can be changed. */
export function settled(given: Given): DocumentSettlement {
  const settlement = settling(given);
  if (settlement.refusal) throw new Error(`The document was refused: ${settlement.refusal.message}`);
  return settlement;
}

/** A person's entry of mapUsers. */
export const entry = (arn: string, groups: string) =>
  `- userarn: ${arn}\n  username: eks-access:someone\n  groups: [${groups}]\n`;
