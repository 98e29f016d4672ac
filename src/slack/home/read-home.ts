import { refuseReview } from "../../access/approval/glass.ts";
import { hasApproved } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { actsOf } from "../../access/policy/may-act.ts";
import { approvesFor } from "../../access/policy/may-see.ts";
import { moveActsOf } from "../../access/policy/move-acts.ts";
import type { Person } from "../../access/policy/person.ts";
import type { ListName } from "../../access/request/lists.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { isClosed } from "../../access/request/request.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { movesShown } from "../migrate/moves-shown.ts";
import type { Directory } from "../people/directory.ts";
import { personShown } from "../people/standing.ts";
import { type HomeContent, type HomeList, mostRows } from "./home-view.ts";

export interface HomeSource {
  readonly ledger: Ledger;
  readonly config: Config;
  readonly directory: Directory;
  readonly now: () => Date;
}

/** More are not looked through: whoever has so many waiting goes through the list. */
const lookedThrough = 50;

/** What somebody's App Home has to show now. @throws AccessError */
export async function readHome(source: HomeSource, user: string): Promise<HomeContent> {
  const { ledger, config, now } = source;
  const person = await personShown(source, user);
  const clusters = [...config.clusters.values()].filter((cluster) => approvesFor(cluster, person));
  const names = clusters.map(({ name }) => name);
  const own = { clusters: [], requester: user, match: "any" } as const;
  const [principal, waiting, newest, access, all, moves] = await Promise.all([
    ledger.principalOf(user),
    ofClusters(ledger, "pending", names),
    ofClusters(ledger, "all", names),
    ledger.list({ list: "granted", ...own }, 0, mostRows),
    ledger.list({ list: "all", ...own }, 0, lookedThrough),
    movesShown(source, person),
  ]);
  const moment = now();
  const mayDecide = (request: AccessRequest) => {
    const acts = actsOf(request, config.clusters.get(request.cluster), person, moment);
    return acts.includes("approve") || acts.includes("deny");
  };
  const rows = moves.map((move) => ({
    move,
    acts: moveActsOf(move, config.clusters.get(move.cluster), person, moment),
  }));
  return {
    user,
    principal,
    toDecide: fewer(waiting, mayDecide),
    // Who has approved may still deny it, and it does not wait for them.
    movesToDecide: rows.filter(({ move, acts }) => acts.includes("deny") && !hasApproved(move, user)),
    toReview: only(newest, (request) => mayReview(request, config.clusters.get(request.cluster), person)),
    access,
    // What is held stands above already.
    requests: fewer(all, (request) => request.state !== "approved" || isClosed(request)),
    moves: rows.filter(({ move }) => move.requester === user),
    now: moment,
  };
}

async function ofClusters(ledger: Ledger, list: ListName, clusters: readonly string[]): Promise<HomeList> {
  if (clusters.length === 0) return { requests: [], total: 0 };
  return ledger.list({ list, clusters, requester: null, match: "any" }, 0, lookedThrough);
}

function mayReview(request: AccessRequest, cluster: Cluster | undefined, person: Person): boolean {
  return cluster !== undefined && refuseReview(request, cluster, person) === null;
}

/** Of a few among many nobody knows how many are further back. */
function only({ requests }: HomeList, keep: (request: AccessRequest) => boolean): HomeList {
  const kept = requests.filter(keep);
  return { requests: kept.slice(0, mostRows), total: kept.length };
}

/** The total stays an estimate where not all were looked through: it is never less than what is shown. */
function fewer({ requests, total }: HomeList, keep: (request: AccessRequest) => boolean): HomeList {
  const kept = requests.filter(keep);
  return { requests: kept.slice(0, mostRows), total: total - (requests.length - kept.length) };
}
