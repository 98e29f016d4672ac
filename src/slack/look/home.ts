import type { WebClient } from "@slack/web-api";
import { hasApproved } from "../../access/approvals.ts";
import { refuseReview } from "../../access/emergency.ts";
import { arnsOf, needsEmail } from "../../access/identities.ts";
import type { ListName } from "../../access/lists.ts";
import { actsOf } from "../../access/policy/permissions.ts";
import { breakGlassFor, isApproverOf, isUser, offers } from "../../access/policy/rule.ts";
import { type AccessRequest, isTheirs } from "../../access/record.ts";
import { isClosed } from "../../access/request.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { IdentityLookUp } from "../../ledger/links.ts";
import { continuationOf } from "../../ledger/look-ups.ts";
import { notAdmittedAnswer } from "../app/admission.ts";
import type { SlackContext } from "../app/context.ts";
import type { Directory } from "../app/directory.ts";
import type { HomeOpened } from "../app/payload.ts";
import { personShown } from "../app/request-people.ts";
import { slackErrorCode, slackFailure } from "../app/web-client.ts";
import { sessionsFound } from "../link/identities.ts";
import { migrationsShown } from "../migrate/migration-buttons.ts";
import { explainToPerson } from "../show/message.ts";
import { styled } from "../show/mrkdwn.ts";
import {
  type Home,
  type HomeContent,
  type HomeList,
  homeView,
  maxRows,
  refusedHomeView,
  unknownHomeView,
} from "./home-view.ts";

/** Home reads no more; the list command shows all. */
const lookedThrough = 50;

export interface HomeContext extends IdentityLookUp {
  readonly ledger: Ledger;
  readonly config: Config;
  readonly directory: Directory;
  readonly client: WebClient;
}

const maxTries = 4;

/**
 * Makes a person's App Home match the ledger. Of two processes the first reader can publish last, so each publication
 * names the hash that it replaces, and reads again if Slack has another. `seen`: the hash that Slack sent just now.
 * @throws AccessError
 */
export async function publishHome(context: HomeContext, user: string, seen?: string): Promise<void> {
  const { ledger, client } = context;
  let tried: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const known = attempt === 1 && seen ? seen : (await ledger.homesOf([user])).get(user);
    // The hash is old: a process died between publishing and remembering.
    const hash = known === tried ? undefined : known;
    const view = await viewFor(context, user);
    try {
      const answer = await client.views.publish({ user_id: user, view, ...(hash ? { hash } : {}) });
      return await ledger.rememberHome(user, answer.view?.hash ?? "");
    } catch (error) {
      if (slackErrorCode(error) !== "hash_conflict" || attempt === maxTries) {
        throw slackFailure(error, "the App Home");
      }
      tried = known;
    }
  }
}

/** Updates an unopened Home too: the account can have ended since. @throws AccessError while Slack does not say so */
async function viewFor(context: HomeContext, user: string): Promise<Home> {
  const account = await context.directory.accountOf(user);
  if (account !== "active") return refusedHomeView(notAdmittedAnswer(account));
  return homeView(await readHome(context, user));
}

async function readHome(source: HomeContext, user: string): Promise<HomeContent> {
  const { ledger, config, now } = source;
  const person = await personShown(source, user);
  const clusters = [...config.clusters.values()].filter((cluster) => isApproverOf(cluster, person));
  const names = clusters.map(({ name }) => name);
  const own = { clusters: [], requester: user, olderIds: person.memberships.filter(isUser), match: "any" } as const;
  const [sessions, links, waiting, newest, access, all, migrations] = await Promise.all([
    sessionsFound(source, user),
    ledger.linksOf(user),
    ofClusters(ledger, "pending", names),
    ofClusters(ledger, "all", names),
    ledger.list({ list: "leased", ...own }, 0, lookedThrough),
    ledger.list({ list: "all", ...own }, 0, lookedThrough),
    migrationsShown(source, person),
  ]);
  const moment = now();
  // A person who approved can still deny, but no decision of theirs is due.
  const waitsForThem = (request: AccessRequest) => {
    if (hasApproved(request, user, person.memberships)) return false;
    const acts = actsOf(request, config.clusters.get(request.cluster), person, moment);
    return acts.includes("approve") || acts.includes("deny");
  };
  const waitsForTheirReview = (request: AccessRequest) => {
    const cluster = config.clusters.get(request.cluster);
    return cluster !== undefined && refuseReview(request, cluster, person) === null;
  };
  const isHeld = ({ requester }: AccessRequest) => requester === user || person.memberships.includes(requester);
  const pending = all.requests.filter(({ state }) => state === "pending");
  const asked = [...pending, ...access.requests.filter((request) => !isHeld(request))];
  return {
    user,
    identities: [...new Set([...sessions, ...arnsOf(links)])],
    looksUp: needsEmail(config.identities),
    toDecide: fewer(waiting, waitsForThem),
    migrationsToDecide: migrations.filter(
      ({ migration, acts }) => acts.includes("deny") && !hasApproved(migration, user, person.memberships),
    ),
    toReview: firstOf(newest.requests.filter(waitsForTheirReview)),
    access: await withoutExtended(ledger, fewer(access, isHeld)),
    requests: await withoutExtended(ledger, firstOf(asked)),
    recent: await withoutExtended(ledger, fewer(all, isClosed)),
    decides: clusters.length > 0,
    emergency: [...config.clusters.values()].some((cluster) => breakGlassFor(cluster, person) !== null),
    migrations: migrations.filter(({ migration }) => isTheirs(migration, user, person.memberships)),
    clusterOf: ({ cluster }) => config.clusters.get(cluster),
    isRepeatable: ({ cluster: name, level, requester }) => {
      const cluster = config.clusters.get(name);
      // Only the person's own groups are known here.
      return cluster !== undefined && (requester !== user || offers(cluster, level, person));
    },
  };
}

async function ofClusters(ledger: Ledger, list: ListName, clusters: readonly string[]): Promise<HomeList> {
  if (clusters.length === 0) return { requests: [], total: 0 };
  return ledger.list({ list, clusters, requester: null, match: "any" }, 0, lookedThrough);
}

/** @param requests of the newest records, so this is the best known total */
function firstOf(requests: readonly AccessRequest[]): HomeList {
  return { requests: requests.slice(0, maxRows), total: requests.length };
}

/** An estimate if it did not read all. */
function fewer({ requests, total }: HomeList, keep: (request: AccessRequest) => boolean): HomeList {
  const kept = requests.filter(keep);
  return { requests: kept.slice(0, maxRows), total: total - (requests.length - kept.length) };
}

async function withoutExtended(ledger: Ledger, list: HomeList): Promise<HomeList> {
  const found = await Promise.all(
    list.requests.map(async (request) => ((await continuationOf(ledger, request)) ? [] : [request])),
  );
  const requests = found.flat();
  return { requests, total: list.total - (list.requests.length - requests.length) };
}

/** Later, each change updates it. So does a publication under way: openings at once are one, or each would meet another's hash. */
export function homeOpenedHandler(): (context: SlackContext, opened: HomeOpened) => Promise<void> {
  const underWay = new Set<string>();
  return async (context, { event: { tab, user, view }, client }) => {
    if (tab !== "home" || underWay.has(user)) return;
    underWay.add(user);
    try {
      await publishHome({ ...context, client }, user, hashOf(view));
    } catch (error) {
      context.log.error({ err: error, user }, "could not show an App Home");
      await client.views
        .publish({ user_id: user, view: unknownHomeView(styled(explainToPerson(error))) })
        .catch(() => {});
    } finally {
      underWay.delete(user);
    }
  };
}

/** Slack sends it, but Bolt's types lack it: https://docs.slack.dev/reference/events/app_home_opened */
function hashOf(view: HomeOpened["event"]["view"]): string | undefined {
  return view && "hash" in view && typeof view.hash === "string" ? view.hash : undefined;
}
