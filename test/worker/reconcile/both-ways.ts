import { expect } from "vitest";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { arns, initialAwsAuth } from "../../../sandbox/scene.ts";
import { configurationOf } from "../../../sandbox/scene-clusters.ts";
import type { AuditEvent } from "../../../src/access/audit-event.ts";
import { decideClick } from "../../../src/access/decide.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { roleText } from "../../../src/access/policy/policy-text.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { createRequest } from "../../../src/access/request.ts";
import { identityOfEntry } from "../../../src/access-entry/entry-tags.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import type { Config } from "../../../src/config/config.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { identityInDocument } from "../../../src/worker/reconcile/settle-document.ts";
import { configOf } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange, anEvent } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import type { WorkerSide } from "../worker-side.ts";
import { entriesOf } from "./entries-of.ts";

/** The sandbox's clusters of every mode, with levels of groups and of access policies; `change` edits the text. */
export function modesConfig(change: (text: string) => string = (text) => text): Config {
  const levels = `levels:
  everywhere: { policy: AmazonEKSViewPolicy, maxDuration: 8h }
  peek: { policy: AmazonEKSViewPolicy, namespaces: [default], maxDuration: 8h, verify: [{ verb: list, resource: pods }] }
  masters: { groups: [system:masters], maxDuration: 1h }
`;
  const text = configurationOf({ everyMode: true })
    .replaceAll("levels: [viewer, admin]", "levels: [viewer, admin, everywhere, peek, masters]")
    .replace(/^levels:\n/m, levels);
  const config = configOf(change(text));
  return config;
}

export interface RequestedLease {
  readonly id: string;
  readonly level?: string;
  readonly principal?: string;
  readonly durationSeconds?: number;
  /** The request that it continues. */
  readonly extends?: string;
  /** Who asked for the requester. */
  readonly askedBy?: string;
}

/** Asks, and lets the worker look. */
export async function ask(context: WorkerContext, cluster: Cluster, requested: RequestedLease): Promise<AccessRequest> {
  await askTogether(context, cluster, [requested]);
  return requestOf(context, requested.id);
}

/** Asks for all of them, and lets the worker look once. */
export async function askTogether(
  context: WorkerContext,
  cluster: Cluster,
  all: readonly RequestedLease[],
): Promise<void> {
  for (const requested of all) {
    const { id, level = "viewer", principal = arns.engineer, durationSeconds = 3600 } = requested;
    const groups = cluster.levels.find(({ name }) => name === level)?.groups ?? [];
    const common = {
      requester: "U0ENGINEER",
      cluster: cluster.name,
      reason: "a test",
      extends: requested.extends ?? null,
      askedBy: requested.askedBy ?? null,
    };
    const asked = createRequest({ ...common, id, level, principal, groups, durationSeconds }, context.now(), 3600);
    await context.ledger.commit(aChange(asked));
  }
  await previewCluster(context, cluster);
}

/** Approves what the worker saw. As many approve as the level asks for. */
export async function approve(context: WorkerContext, cluster: Cluster, id: string): Promise<void> {
  for (const by of ["U0APPROVER", "U0APPROVER2"]) {
    const request = await requestOf(context, id);
    if (request.state !== "pending") return;
    expect(request.preview, JSON.stringify(request.refusal)).not.toBeNull();
    const click = { verdict: "approved", by, digest: request.preview?.digest ?? "", why: "" } as const;
    const decided = decideClick(request, cluster, click, keys.decision, context.now());
    if (decided.type === "refused") throw new Error(`The approval was refused: ${decided.code}`);
    const event = anEvent({ type: "request.approved", request: id, at: decided.after.approvals.at(-1)?.at ?? "" });
    await context.ledger.commit({ after: decided.after, event });
  }
}

/** A worker that dies each time before it can record such an event. */
export function dyingBefore(type: AuditEvent["type"], context: WorkerContext): WorkerContext {
  const { ledger } = context;
  const commit: typeof ledger.commit = (change) =>
    change.event?.type === type ? Promise.reject(new Error("killed")) : ledger.commit(change);
  return { ...context, ledger: { ...ledger, commit } };
}

/** Opens the cluster with these calls in the place of its client's own. */
export function openingWith(calls: (client: ClusterClient) => Partial<ClusterClient>): typeof openCluster {
  return async (...about) => {
    const open = await openCluster(...about);
    return { ...open, client: { ...open.client, ...calls(open.client) } };
  };
}

/** A worker for whom it is so many seconds later; AWS and the cluster take no token of then. */
export function later(context: WorkerContext, seconds: number): WorkerContext {
  return {
    ...context,
    now: () => new Date(Date.now() + seconds * 1000),
    openCluster: (opening, ...about) => openCluster({ ...opening, now: () => new Date() }, ...about),
  };
}

/** The whole way to a proved lease. */
export async function give(
  context: WorkerContext,
  cluster: Cluster,
  requested: RequestedLease,
): Promise<AccessRequest> {
  await ask(context, cluster, requested);
  await approve(context, cluster, requested.id);
  await reconcileCluster(context, cluster);
  return requestOf(context, requested.id);
}

/** Revokes it, and lets the worker look. */
export async function revokeGiven(context: WorkerContext, cluster: Cluster, id: string): Promise<AccessRequest> {
  await revokeOnly(context, id);
  await reconcileCluster(context, cluster);
  return requestOf(context, id);
}

export async function revokeOnly(context: WorkerContext, id: string): Promise<void> {
  const request = await requestOf(context, id);
  const end = { cause: "revoked", by: "U0APPROVER", at: context.now().toISOString(), why: "" } as const;
  const lease = request.lease && { ...request.lease, end };
  await context.ledger.commit(aChange(revise(request, { lease, trouble: null })));
}

export async function requestOf({ ledger }: WorkerContext, id: string): Promise<AccessRequest> {
  const request = await ledger.get(id);
  if (!request) throw new Error(`there is no request ${id}`);
  return request;
}

/** A cluster as a person sees and edits it outside of the product. */
export interface Outside {
  /** What a principal is given, sorted; null: nothing is there for it. */
  readonly given: (arn: string) => Promise<readonly string[] | null>;
  /** Makes a person's entry be this; null: there is none. */
  readonly edit: (arn: string, groups: readonly string[] | null) => Promise<void>;
  /** Everything that is there, but for the order. */
  readonly all: () => Promise<string>;
  /** Strips the cluster's own memory of what it gives a principal, and leaves what is given. */
  readonly forget: (arn: string) => Promise<void>;
  /** Writes there without a change of anyone's access; a person must have an entry. */
  readonly touch: (arn: string) => Promise<void>;
  /** Opens the cluster so that a person acts each time when a worker has read what is there for a principal. */
  readonly afterReading: (arn: string, act: () => Promise<void>) => NonNullable<WorkerContext["openCluster"]>;
}

export function outsideOf(way: "aws-auth" | "access-entry" | "binding", side: WorkerSide, cluster: Cluster): Outside {
  if (way === "binding") return outsideBindings(side, cluster);
  return way === "aws-auth" ? outsideDocument(side.sandbox) : outsideEntries(side.sandbox, cluster);
}

export function outsideDocument(sandbox: Sandbox): Outside {
  const { cluster } = sandbox;
  const data = () => cluster.awsAuth()?.data ?? {};
  return {
    given: async (arn) => identityInDocument(parseDocument(data()), arn)?.groups.toSorted() ?? null,
    edit: async (arn, groups) => {
      const text = `- userarn: ${arn}\n  username: "somebody"\n  groups: [${groups?.join(", ")}]\n`;
      const { mapUsers: _, ...others } = data();
      await cluster.editAwsAuth((map) => ({ ...map, data: groups ? { ...others, mapUsers: text } : others }));
    },
    all: async () => JSON.stringify(data()),
    forget: async () => {
      await cluster.editAwsAuth(({ metadata: { annotations: _, ...metadata }, ...map }) => ({ ...map, metadata }));
    },
    touch: async () => {
      const touched = crypto.randomUUID();
      await cluster.editAwsAuth(({ metadata, ...map }) => ({
        ...map,
        metadata: { ...metadata, annotations: { ...metadata.annotations, touched } },
      }));
    },
    afterReading: (_, act) => async (context, about, purposes) => {
      const { client, ...open } = await openCluster(context, about, purposes);
      const readAwsAuth = async () => {
        const found = await client.readAwsAuth();
        await act();
        return found;
      };
      return { ...open, client: { ...client, readAwsAuth } };
    },
  };
}

export function outsideEntries(sandbox: Sandbox, cluster: Cluster): Outside {
  const entries = entriesOf(sandbox, cluster);
  const given = (entry: Parameters<typeof identityOfEntry>[0]) =>
    identityOfEntry(entry, undefined)?.groups.toSorted() ?? null;
  return {
    given: async (arn) => given(await entries.describe(arn)),
    edit: async (arn, groups) => {
      const isThere = (await entries.describe(arn)) !== null;
      if (!groups) return isThere ? entries.remove(arn) : undefined;
      if (isThere) return entries.setGroups(arn, groups);
      await entries.create({ principalArn: arn, username: "somebody", groups, tags: {} });
    },
    all: async () => {
      const all = await Promise.all((await entries.list()).map((arn) => entries.describe(arn)));
      return JSON.stringify(all.map((entry) => entry && { ...entry, arn: "" }).toSorted());
    },
    forget: async (arn) => {
      const entry = await entries.describe(arn);
      const tags = Object.keys(entry?.tags ?? {});
      if (entry && tags.length > 0) await entries.untag(entry, tags);
    },
    touch: async (arn) => {
      const entry = await entries.describe(arn);
      if (entry) await entries.tag(entry, { touched: crypto.randomUUID() });
    },
    afterReading: (arn, act) => async (context, about, purposes) => {
      const { entries: read, ...open } = await openCluster(context, about, purposes);
      if (!read) throw new Error(`${about.name} takes no access entries`);
      const describe = async (principalArn: string) => {
        const found = await read.describe(principalArn);
        if (principalArn === arn) await act();
        return found;
      };
      // That a person has no entry is read in the list.
      const list = async () => {
        const found = await read.list();
        if (!found.includes(arn)) await act();
        return found;
      };
      return { ...open, entries: { ...read, describe, list } };
    },
  };
}

/** The name that the cluster gives the engineer before any lease: others let them in, without any group. */
const engineersName = "engineer";
const letsIn = `- userarn: ${arns.engineer}\n  username: ${engineersName}\n  groups: []\n`;

/** Levels that bind to the person what others give by groups. */
export function bound(text: string): string {
  return text
    .replace("groups: [eks-access:viewers]", "bind: [{ clusterRole: view, in: all }]")
    .replace("groups: [eks-access:admins]", "bind: [{ clusterRole: edit, in: [default] }]");
}

function outsideBindings({ sandbox, asCreator }: WorkerSide, cluster: Cluster): Outside {
  const bindings = () => asCreator(cluster, (client) => client.listLeaseBindings());
  const clear = () =>
    asCreator(cluster, async (client) => {
      for (const binding of await client.listLeaseBindings()) await client.deleteBinding(binding);
    });
  const mapThemAsUsers = () =>
    sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapUsers: letsIn } }));
  return {
    given: async () => {
      const own = (await bindings()).filter(({ subjects }) => subjects.some(({ name }) => name === engineersName));
      return own.length === 0 ? null : own.map(({ role, namespace }) => roleText(role, namespace)).toSorted();
    },
    edit: async () => {
      await mapThemAsUsers();
      await clear();
    },
    all: async () => JSON.stringify([await bindings(), sandbox.cluster.awsAuth()?.data]),
    forget: async () => clear(),
    touch: async () => {},
    afterReading: () => openCluster,
  };
}
