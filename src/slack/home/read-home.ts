import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { actsOf } from "../../policy/may-act.ts";
import { approvesFor } from "../../policy/may-see.ts";
import { type AccessRequest, isClosed } from "../../request/request.ts";
import type { Directory } from "../directory.ts";
import { personShown } from "../standing.ts";
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
  const [principal, waiting, access, all] = await Promise.all([
    ledger.principalOf(user),
    names.length > 0
      ? ledger.list({ list: "pending", clusters: names, requester: null, match: "any" }, 0, lookedThrough)
      : { requests: [], total: 0 },
    ledger.list({ list: "granted", ...own }, 0, mostRows),
    ledger.list({ list: "all", ...own }, 0, lookedThrough),
  ]);
  const moment = now();
  const mayDecide = (request: AccessRequest) => {
    const acts = actsOf(request, config.clusters.get(request.cluster), person, moment);
    return acts.includes("approve") || acts.includes("deny");
  };
  return {
    user,
    principal,
    toDecide: fewer(waiting, mayDecide),
    access,
    // What is held stands above already.
    requests: fewer(all, (request) => request.state !== "approved" || isClosed(request)),
    now: moment,
  };
}

/** The total stays an estimate where not all were looked through: it is never less than what is shown. */
function fewer({ requests, total }: HomeList, keep: (request: AccessRequest) => boolean): HomeList {
  const kept = requests.filter(keep);
  return { requests: kept.slice(0, mostRows), total: total - (requests.length - kept.length) };
}
