import type { LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { clusterApprovers, isUser } from "../../access/policy/rule.ts";
import { type AccessRequest, peopleOf } from "../../access/record.ts";
import { isClosed } from "../../access/request.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger, RequestLedger } from "../../ledger/ledger.ts";
import { configurationOf, listedIn } from "../../ledger/look-ups.ts";
import { wake } from "../../ledger/queues.ts";
import { isDecisionDue, peopleBehind } from "../app/people-called.ts";
import { wakeHomesOf } from "./messenger.ts";
import type { MessengerContext } from "./show-in-channel.ts";
import { isMoved } from "./shown-messages.ts";

/**
 * Shows open records again after their cluster left eks-access.yml, or came back: only with it do their buttons work. The same of those on
 * which other people can act now.
 *
 * @param before the configuration that this process had until now; null: it starts
 */
export async function showMoved(context: MessengerContext, before: Pick<Config, "clusters"> | null): Promise<void> {
  const { ledger, config, queues } = context;
  const known = before
    ? [...before.clusters.keys(), ...config.clusters.keys()]
    : [...(await ledger.openByCluster()).keys(), ...(await ledger.migrations.open()).map(({ cluster }) => cluster)];
  const names = [...new Set(known)].filter((name) => !(before?.clusters.has(name) && config.clusters.has(name)));
  for (const name of names) {
    // A start would read the newest records of the whole fleet.
    for (const { id } of await openIn(ledger, name, before !== null || !config.clusters.has(name))) {
      const shown = before ? null : await ledger.shown(id);
      // What runs now by the configuration before can remember that one after this look.
      if (before || (shown && isMoved(shown, name, config))) await wake(queues, { type: "show", record: id });
    }
  }
  await showOtherApprovers(context, before);
}

/**
 * Shows again what people see of a cluster if its part of the file, its approvers, on-call or people for emergencies differ from
 * the last look: the file changed, a user group, or an account, also while no process ran.
 *
 * @param before as above: another process can have looked first by the newer one
 */
export async function showOtherApprovers(
  context: MessengerContext,
  before: Pick<Config, "clusters"> | null = null,
): Promise<void> {
  const { ledger, config } = context;
  const known = await ledger.approversKnown();
  const found = await peopleOfNames(context);
  const all = new Map([...known, ...found]);
  for (const { field, namesOf, isOnCards } of watched) {
    const fields = [...known.keys()].filter((each) => each.startsWith(field));
    const gone = fields.map((each) => each.slice(field.length));
    for (const name of new Set([...gone, ...(before?.clusters.keys() ?? []), ...config.clusters.keys()])) {
      const cluster = config.clusters.get(name);
      const names = namesOf(cluster).join(" ");
      const present = peopleIn(names, all);
      const former = [
        peopleIn(known.get(field + name), known),
        before ? peopleIn(namesOf(before.clusters.get(name)).join(" "), all) : present,
      ];
      found.set(field + name, names);
      const others = former.flatMap((people) =>
        [...people, ...present].filter((each) => !(people.has(each) && present.has(each))),
      );
      // A request that is over can be made again only while its cluster is there.
      const hasMoved = isOnCards && (cluster ? known.get(field + name) === "" : others.length > 0);
      const newest = hasMoved ? await listedIn(ledger, "all", name, maxNewest) : [];
      const askers = newest.flatMap(peopleOf);
      // What is over gets Request again while its cluster is there.
      for (const { id } of newest.filter(isClosed).slice(0, maxClosed)) {
        const shown = await ledger.shown(id);
        if (shown && isMoved(shown, name, config)) await wake(context.queues, { type: "show", record: id });
      }
      if (cluster && isOnCards && others.length > 0) await showCardsAgain(context, cluster);
      const people = [...others, ...askers].filter((each) => !isDigest(each));
      if (people.length > 0) await wakeHomesOf(context, people.some(isDomain) ? null : people);
    }
  }
  await ledger.rememberApprovers(found);
}

/** What Slack shows by the names in a cluster's policy, and where the ledger remembers them. */
const watched: readonly {
  readonly field: string;
  readonly namesOf: (cluster: Cluster | undefined) => readonly string[];
  readonly isOnCards: boolean;
}[] = [
  {
    field: "of ",
    namesOf: (cluster) =>
      cluster ? [...clusterApprovers(cluster), ...cluster.onCall, digestMark + configurationOf(cluster)] : [],
    isOnCards: true,
  },
  { field: "emergencies of ", namesOf: (cluster) => cluster?.breakGlass?.who ?? [], isOnCards: false },
];

/** Slack answers for one person at a time, and takes some hundred of these calls a minute. */
const maxAccounts = 50;

/** The active people behind each id and user group, with a space between them. Without an answer of Slack they are those of the last look. */
async function peopleOfNames({ config, directory }: MessengerContext): Promise<Map<string, string>> {
  const names = new Set(
    [...config.clusters.values()].flatMap((cluster) => watched.flatMap((each) => each.namesOf(cluster))),
  );
  const found = new Map<string, string>();
  const users = [...names].filter(isUser).slice(0, maxAccounts);
  const groups = [...names].filter((name) => !isItself(name));
  for (const user of users) {
    const account = await directory.accountOf(user).catch(() => null);
    if (account) found.set(user, account === "active" ? user : "");
  }
  for (const group of groups) {
    const people = await peopleBehind(directory, group).catch(() => null);
    if (people) found.set(group, people.join(" "));
  }
  return found;
}

/** Cards that name approvers, and all copies. */
async function showCardsAgain({ ledger, queues }: MessengerContext, { name, channel }: Cluster): Promise<void> {
  for (const record of await openIn(ledger, name, true)) {
    if (!isDecisionDue(record) && !(await ledger.shown(record.id))?.copies.length) continue;
    await ledger.rememberOutdated(record.id, channel);
    await wake(queues, { type: "show", record: record.id });
  }
}

/** Slack takes about one update a second, and other messages need it too. Older ones change at a click. */
const maxClosed = 20;

/** All its people: Slack does not list them. */
function isDomain(name: string): boolean {
  return name.startsWith("@");
}

/** Among the names: a change of a level or a rule changes the buttons of cards, too. */
const digestMark = "=";

function isDigest(name: string): boolean {
  return name.startsWith(digestMark);
}

function isItself(name: string): boolean {
  return isUser(name) || isDomain(name) || isDigest(name);
}

/** @param names with a space between them @param known the people of each, in the same form */
function peopleIn(names = "", known: ReadonlyMap<string, string>): ReadonlySet<string> {
  const people = names.split(" ").flatMap((name) => (known.get(name) ?? (isItself(name) ? name : "")).split(" "));
  return new Set(people.filter((each) => each !== ""));
}

/** More than wait in a cluster. */
const maxWaiting = 1_000;
const maxNewest = 200;

/** @param withUnreviewed also emergencies that are over and that an approver must still review */
async function openIn(ledger: Ledger, cluster: string, withUnreviewed: boolean): Promise<readonly LedgerRecord[]> {
  const [leased, pending, unreviewed, migrations] = await Promise.all([
    ledger.leasedOf(cluster),
    listedIn(ledger, "pending", cluster, maxWaiting),
    withUnreviewed ? unreviewedIn(ledger, cluster) : [],
    ledger.migrations.open(),
  ]);
  return [...leased, ...pending, ...unreviewed, ...migrations.filter((each) => each.cluster === cluster)];
}

async function unreviewedIn(ledger: RequestLedger, cluster: string): Promise<readonly AccessRequest[]> {
  const requests = await listedIn(ledger, "all", cluster, maxNewest);
  return requests.filter((each) => isClosed(each) && each.emergency && !each.emergency.review);
}
