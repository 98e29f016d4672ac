import { AccessError } from "../access/access-error.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { QueuesToWake } from "../ledger/queues.ts";
import { seenCreation } from "./open/discover-creator.ts";

/**
 * A stand-in for an absent ledger. It knows no request, so a run only ends leases that are over according to the cluster. It answers a run's
 * questions and refuses every write, which would be lost.
 */
export function noLedger(now: () => Date): Ledger {
  return {
    ...known,
    ...records,
    ...people,
    takeTurn: turnsOfThisProcess(now),
    append: lost,
    // Only this process knows its runs: `guardedEntries` is the fence instead.
    beginRun: async () => "",
    isNewestRun: async () => true,
    migrations: { get: lost, latestOf: lost, open: lost },
  };
}

export const noQueues: QueuesToWake = {
  clusters: { add: lost, addBulk: lost },
  ends: { add: lost, addBulk: lost },
  messages: { add: lost, addBulk: lost },
};

async function lost(): Promise<never> {
  throw new AccessError("ledger-unreachable", "This worker works without the ledger");
}

/** A run's questions before an end. An event goes only into the process's log. */
const known = {
  get: async () => null,
  leasedOf: async () => [],
  isPermanentLeaseOver: async () => false,
  eventsOf: async () => [],
  note: async () => {},
  revertedAt: async () => new Map<string, Date>(),
  noteReverted: async () => {},
  creation: async (clusterArn) => seenCreation(clusterArn),
  rememberCreation: async () => {},
  lastAcceptedAt: async () => null,
  rememberAccepted: async () => {},
} as const satisfies Partial<Ledger>;

const records = {
  commit: lost,
  due: lost,
  whyUnreadable: lost,
  takeClosed: lost,
  remove: lost,
  duePendingOf: lost,
  overdue: lost,
  counts: lost,
  openByCluster: lost,
  ofRequester: lost,
  list: lost,
  events: lost,
  adopted: lost,
  markAdopted: lost,
  clusterTroubles: lost,
  setClusterTrouble: lost,
  fleetAt: lost,
  fleet: lost,
  publishFleet: lost,
  addNotice: lost,
  notices: lost,
  namespacesOf: lost,
  rememberNamespaces: lost,
} as const satisfies Partial<Ledger>;

const people = {
  unshown: lost,
  shown: lost,
  markShown: lost,
  threadEntryNames: lost,
  addThreadEntries: lost,
  rememberHome: lost,
  homesOf: lost,
  linkPrincipal: lost,
  linksOf: lost,
  changeLink: lost,
  linkProposalOf: lost,
  identitiesOf: lost,
  rememberIdentities: lost,
  userGroups: lost,
  shareUserGroups: lost,
  goodApprovers: lost,
  rememberGoodApprovers: lost,
  setWorkerIdentity: lost,
  workerIdentity: lost,
  exchangeConfiguration: lost,
  noteZone: lost,
  zonesSeen: lost,
} as const satisfies Partial<Ledger>;

function turnsOfThisProcess(now: () => Date): Ledger["takeTurn"] {
  const takenUntil = new Map<string, number>();
  return async (name, everyMs) => {
    const at = now().getTime();
    if ((takenUntil.get(name) ?? 0) > at) return false;
    takenUntil.set(name, at + everyMs);
    return true;
  };
}
