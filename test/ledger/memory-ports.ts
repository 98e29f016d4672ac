import type { AuditEvent } from "../../src/access/audit-event.ts";
import type { Identities } from "../../src/access/found-identities.ts";
import { accountIn } from "../../src/access/identities.ts";
import type { Zone } from "../../src/access/policy/cluster.ts";
import type { SealedFleetList } from "../../src/access/policy/fleet-list.ts";
import type { ClusterTrouble, Outage } from "../../src/access/retry.ts";
import type { LinkProposal, PrincipalLink } from "../../src/access/seals.ts";
import type { NamespaceList, SealedNotice, SharedGroups } from "../../src/access/shared-lists.ts";
import {
  type ClusterLedger,
  type FleetLedger,
  type RememberedCreation,
  refusalGoodForMs,
} from "../../src/ledger/clusters.ts";
import type { LinkChange, LinkLedger } from "../../src/ledger/links.ts";
import type { LinkQuestions, RefusedFile, WorkerIdentity } from "../../src/ledger/stored.ts";
import { claimMs, type TurnLedger } from "../../src/ledger/turns.ts";

/** Links in memory. */
export function memoryLinks(append: (event: AuditEvent) => void): LinkLedger {
  const links = new Map<string, PrincipalLink>();
  const keyOf = (user: string, { arn }: PrincipalLink) => `${user} ${accountIn(arn)}`;
  const former = new Map<string, readonly PrincipalLink[]>();
  const proposals = new Map<string, LinkProposal>();
  const questions = new Map<string, LinkQuestions>();
  let groups: SharedGroups | null = null;
  const identities = new Map<string, ReadonlyMap<string, Identities>>();
  const changeLink = ({ user, expected, link, proposal, event }: LinkChange): boolean => {
    if (expected !== null && proposals.get(user)?.id !== expected) return false;
    const before = link && links.get(keyOf(user, link));
    if (before) former.set(user, [...(former.get(user) ?? []), before]);
    if (link !== null) links.set(keyOf(user, link), link);
    if (proposal) proposals.set(user, proposal);
    else proposals.delete(user);
    append(event);
    return true;
  };
  return {
    linkPrincipal: async (user, link) => void (links.has(keyOf(user, link)) || links.set(keyOf(user, link), link)),
    linksOf: async (user) =>
      [...links]
        .filter(([key]) => key.startsWith(`${user} `))
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([, link]) => link),
    formerLinksOf: async (user) => former.get(user) ?? [],
    replaceLinks: async (again) => {
      let replaced = 0;
      const replace = (user: string, link: PrincipalLink) => {
        const after = again(user, link);
        if (after) replaced += 1;
        return after ?? link;
      };
      for (const [key, link] of links) {
        const after = replace(key.split(" ", 1).join(), link);
        if (links.get(key) === link) links.set(key, after);
      }
      for (const [user, before] of former)
        former.set(
          user,
          before.map((link) => replace(user, link)),
        );
      return replaced;
    },
    changeLink: async (change) => changeLink(change),
    linkProposalOf: async (user) => proposals.get(user) ?? null,
    swapLinkQuestions: async (user, proposal, asked) => {
      if (proposal !== null && proposals.get(user)?.id !== proposal) return "outdated";
      const before = questions.get(user) ?? null;
      if (asked) questions.set(user, asked);
      else questions.delete(user);
      return before;
    },
    linkQuestions: async () => new Map(questions),
    userGroups: async () => groups,
    shareUserGroups: async (shared) => {
      groups = shared;
    },
    identitiesOf: async (user) => identities.get(user) ?? new Map(),
    rememberIdentities: async (found) =>
      void identities.set(found.user, new Map([...(identities.get(found.user) ?? []), [found.cluster, found]])),
  };
}

/** Turns and runs in memory. */
export function memoryTurns(): TurnLedger {
  const turns = new Map<string, { until: number; taken: number }>();
  const runs = new Map<string, string>();
  let made = 0;
  const take = (name: string, firstMs: number, most: number) => {
    const now = Date.now();
    const known = turns.get(name);
    const turn = known && known.until > now ? known : { until: now + firstMs, taken: 0 };
    turns.set(name, { ...turn, taken: turn.taken + 1 });
    return turn.taken < most;
  };
  return {
    takeTurn: async (name, everyMs, most = 1) => take(name, everyMs, most),
    claimTurn: async (name) => take(name, claimMs, 1),
    keepTurn: async (name, forMs) => void turns.set(name, { until: Date.now() + forMs, taken: 1 }),
    isTurnKept: async (name) => (turns.get(name)?.until ?? 0) - Date.now() > claimMs,
    beginRun: async (cluster) => {
      made += 1;
      runs.set(cluster, `run-${made}`);
      return `run-${made}`;
    },
    isNewestRun: async (cluster, run) => runs.get(cluster) === run,
  };
}

/** The fleet and the operators' notices, in memory. */
export function memoryFleet(): FleetLedger {
  let list: SealedFleetList | null = null;
  let notices: readonly SealedNotice[] = [];
  return {
    fleetAt: async () => list?.at ?? null,
    fleet: async () => list,
    publishFleet: async (next, notice) => {
      list = next;
      if (notice) notices = [notice, ...notices].slice(0, 100);
    },
    addNotice: async (notice) => {
      notices = [notice, ...notices].slice(0, 100);
    },
    notices: async () => notices,
  };
}

/** The ledger's memory of clusters, in a Map. */
export function memoryClusters(): ClusterLedger {
  const acceptedAt = new Map<string, Date>();
  const creations = new Map<string, RememberedCreation>();
  const adopted = new Set<string>();
  const namespaces = new Map<string, NamespaceList>();
  const troubles = new Map<string, ClusterTrouble>();
  const outages = new Map<string, Outage>();
  const reverted = new Map<string, Date>();
  const goodApprovers = new Map<string, string>();
  const configurations = new Map<string, string>();
  const zones = new Map<Zone, Date>();
  const keysInUse = new Map<string, string>();
  const refusals = new Map<string, RefusedFile>();
  let identity: WorkerIdentity | null = null;
  return {
    exchangeConfiguration: async (kind, digest) => {
      const before = configurations.get(kind) ?? null;
      configurations.set(kind, digest);
      return before;
    },
    approversKnown: async () => new Map(goodApprovers),
    rememberApprovers: async (good) => {
      for (const [level, digest] of good) goodApprovers.set(level, digest);
    },
    newServer: async () => null,
    followServer: async () => {},
    adopted: async (clusters) => new Set(clusters.filter((cluster) => adopted.has(cluster))),
    markAdopted: async (cluster) => void adopted.add(cluster),
    clusterTroubles: async (clusters) => new Map([...troubles].filter(([cluster]) => clusters.includes(cluster))),
    beginOutage: async (cluster, outage) => {
      if (!outages.has(cluster)) outages.set(cluster, outage);
      return outages.get(cluster) ?? outage;
    },
    outages: async () => new Map(outages),
    endOutage: async (cluster) => outages.delete(cluster),
    revertedAt: async (clusters) => new Map([...reverted].filter(([cluster]) => clusters.includes(cluster))),
    noteReverted: async (cluster, at) => void reverted.set(cluster, at),
    setClusterTrouble: async (cluster, trouble) =>
      void (trouble ? troubles.set(cluster, trouble) : troubles.delete(cluster)),
    noteZone: async (zone, at) => void zones.set(zone, at),
    zonesSeen: async () => new Map(zones),
    noteKey: async (kind, id) => void keysInUse.set(kind, id),
    keysInUse: async () => new Map(keysInUse),
    setWorkerIdentity: async (now) => {
      identity = now;
    },
    workerIdentity: async () => identity,
    noteRefusal: async (process, refusal) => void (refusal ? refusals.set(process, refusal) : refusals.delete(process)),
    refusals: async (now) =>
      [...refusals.values()].filter(({ seenAt }) => now.getTime() - Date.parse(seenAt) < refusalGoodForMs),
    lastAcceptedAt: async (place) => acceptedAt.get(place) ?? null,
    rememberAccepted: async (place, at) => void acceptedAt.set(place, at),
    namespacesOf: async (cluster) => namespaces.get(cluster) ?? null,
    rememberNamespaces: async (list) => void namespaces.set(list.cluster, list),
    creation: async (clusterArn) => creations.get(clusterArn) ?? null,
    rememberCreation: async (clusterArn, creation) => void creations.set(clusterArn, creation),
  };
}
