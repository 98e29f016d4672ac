import { accountIn, arnsOf, needsEmail } from "../../access/identities.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isApproverOf, isNamedIn, isUser, type Person } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { LinkProposal } from "../../access/seals.ts";
import { brokenIn, completeChain, type Link, type LinkName, linkWords, marks } from "../../diagnosis/link.ts";
import { leasesFinding, workerMissing } from "../../diagnosis/person-links.ts";
import { chainReport, identityReport } from "../../diagnosis/reports.ts";
import { knownIdentitiesOf } from "../../ledger/links.ts";
import { openRequestsFor } from "../../ledger/look-ups.ts";
import type { WorkerIdentity } from "../../ledger/stored.ts";
import { askWorker, type Command, type SlackContext } from "../app/context.ts";
import { needsRenewal, personShown } from "../app/request-people.ts";
import { refuseTooMany } from "../ask/limits.ts";
import { identitiesNow, rememberedIdentities, sessionsFound } from "../link/identities.ts";
import { identityLines, type LinkedIdentity } from "../link/link.ts";
import { runsIn } from "../show/buttons.ts";
import type { Message } from "../show/message.ts";
import { code, codeList, firstOf, mention, section, styled, time, until } from "../show/mrkdwn.ts";
import { extendsText, stateText } from "../show/words.ts";
import { aboutCluster } from "./about-cluster.ts";

const maxLeases = 10;
/** Those for other people are among them. */
const lookedThrough = 50;
/** More accounts do not fit into a section. */
const maxForeign = 3;

/** A screen reader needs words besides the sign. */
const spokenMarks: Readonly<Record<Link["result"], string>> = { yes: "", no: "failed: ", "not asked": "not tested: " };

const parts: readonly { readonly title: string; readonly names: readonly LinkName[] }[] = [
  { title: "The way in", names: ["worker", "creator", "cluster", "api-server", "write"] },
  { title: "What the cluster reads", names: ["mode", "document", "entries"] },
  { title: "You", names: ["you", "pods", "leases"] },
  { title: "All leases", names: ["drift"] },
];

export const whoami: Command = {
  word: "whoami",
  usage: "[<cluster>]",
  summary: "shows you, your access and the bot's identity; with a cluster, tests each step to its pods",
  run: async (context, { user, rest }) =>
    rest === ""
      ? ((await refuseTooMany(context, user, "questions")) ?? whoAmI(context, user))
      : aboutCluster(context, { user, name: rest }, (cluster, isResponsible) =>
          chainOf(context, cluster, user, isResponsible),
        ),
};

async function whoAmI(context: SlackContext, user: string): Promise<Message> {
  const answered = await askWorker(context, { type: "identity" }, identityReport);
  const person = await personShown(context, user);
  const olderIds = person.memberships.filter(isUser);
  const own = { list: "leased", clusters: [], requester: user, olderIds, match: "any" } as const;
  const [links, proposal, leased, worker] = await Promise.all([
    context.ledger.linksOf(user),
    context.ledger.linkProposalOf(user),
    context.ledger.list(own, 0, lookedThrough),
    context.ledger.workerIdentity(),
  ]);
  const requests = leased.requests.filter(({ requester }) => [user, ...olderIds].includes(requester));
  const clusters = [...context.config.clusters.values()];
  const identities = [
    ...(await sessionsFound(context, user)).map((arn) => ({ arn, needsRenewal: false, isFound: true })),
    ...links.map((link) => ({ arn: link.arn, needsRenewal: needsRenewal(context, user, link) })),
  ];
  const looksUp = needsEmail(context.config.identities);
  return whoAmIAnswer({
    person,
    identities,
    looksUp,
    proposal,
    requests,
    clusters,
    worker,
    workerAnswered: answered !== null,
    ...answered,
  });
}

async function chainOf(context: SlackContext, cluster: Cluster, user: string, isResponsible: boolean) {
  // The worker answers this question and remembers it.
  const { why, arns } = await identitiesNow(context, user, cluster);
  const { links } = await knownIdentitiesOf(context, user, cluster);
  const question = { type: "whoami", cluster: cluster.name, user, isResponsible } as const;
  const report = await askWorker(context, question, chainReport);
  const chain = report?.links ?? (await chainWithoutWorker(context, cluster, user));
  return chainAnswer(cluster, chain, why, foreignLines(cluster, arnsOf(links), arns));
}

/** Links in the other accounts that the cluster takes: nothing else tells whose a principal there is. @param own shown already */
export function foreignLines(
  { name, foreignAccounts }: Cluster,
  linked: readonly string[],
  own: readonly string[],
): readonly string[] {
  return foreignAccounts
    .map((account) => {
      const arn = linked.find((each) => accountIn(each) === account);
      if (arn && own.includes(arn)) return "";
      return arn
        ? `• ${code(arn, 150)} in account ${account}: ${code(`/eks-access request ${name} ${arn}`)}.`
        : `– no link in account ${account}. To link yours: ${code("/eks-access link <arn>")}.`;
    })
    .filter((line) => line !== "");
}

/** Without a worker, from the ledger. */
async function chainWithoutWorker(context: SlackContext, cluster: Cluster, user: string): Promise<readonly Link[]> {
  const { ledger, config } = context;
  const [own, open] = await Promise.all([
    rememberedIdentities(context, user, cluster),
    openRequestsFor(ledger, cluster.name, user),
  ]);
  const [principal = null] = own.arns;
  const missing = workerMissing(config.timing.deadlines.workerAnswer / 1000);
  const leases = leasesFinding(open, { user, principal });
  return completeChain(
    [
      { name: "worker", isReached: false, ...missing },
      { name: "leases", isReached: false, ...leases },
    ],
    cluster,
  );
}

/** `whoami <cluster>`. The first failure comes first. @param why why the person is unknown there, in sentences */
export function chainAnswer(
  cluster: Cluster,
  links: readonly Link[],
  why: string | null = null,
  foreign: readonly string[] = [],
): Message {
  const head = `*${code(cluster.name)}* ${verdictOf(links, cluster)}`;
  const explained = links.map((link) => (why === null ? link : becauseOf(why, link)));
  const sections = parts.map(({ title, names }) => {
    const lines = together(explained.filter((link) => names.includes(link.name))).map((row) => phoneLine(row, cluster));
    return [`*${title}*`, ...lines, ...(title === "You" ? foreign.slice(0, maxForeign) : [])].join("\n");
  });
  const text = [head, ...sections].join("\n");
  // On a phone the end of the answer is a screen away.
  const ask = why === null ? "" : code(`/eks-access request ${cluster.name}`);
  return { text, blocks: [section(head), ...runsIn(`${ask}${text}`), ...sections.map(section)] };
}

/** Why the person is unknown is what the step lacks, and can have the fix. */
function becauseOf(why: string, link: Link): Link {
  if (link.name !== "you" || link.result === "yes") return link;
  return { ...link, detail: why, remedy: why.includes("/eks-access link") ? null : link.remedy };
}

/** A step that was not tested is never a yes. */
function verdictOf(links: readonly Link[], cluster: Cluster): string {
  const { beside, end } = brokenIn(links, cluster);
  const broken = [
    ...(beside.length > 0 ? [`check ${beside.map((name) => `*${linkWords(name, cluster)}*`).join(", ")}`] : []),
    ...(end ? [`first failing step: *${linkWords(end, cluster)}*`] : []),
  ];
  if (broken.length > 0) return `✗ ${broken.join("; ")}`;
  const open = links.filter((link) => link.result === "not asked").map(({ name }) => linkWords(name, cluster));
  return open.length === 0 ? "✓ every step works" : `✓ each tested step works; not tested: ${open.join(", ")}`;
}

/** One line for consecutive steps with the same reason. */
function together(links: readonly Link[]): (readonly [Link, ...Link[]])[] {
  const rows: [Link, ...Link[]][] = [];
  for (const link of links) {
    const row = rows.at(-1);
    const isSame = !link.isReached && row?.[0].isReached === false && row[0].detail === link.detail;
    if (row && isSame && !link.remedy) row.push(link);
    else rows.push([link]);
  }
  return rows;
}

function phoneLine(row: readonly [Link, ...Link[]], cluster: Cluster): string {
  const [{ result, detail, remedy }] = row;
  const names = row.map(({ name }) => `*${linkWords(name, cluster)}*`).join(", ");
  const what = `${spokenMarks[result]}${styled(detail, 480)}`;
  const advice = remedy ? `\n      → ${styled(remedy, 300)}` : "";
  return `${marks[result]} ${names} ${what}${advice}`;
}

interface WhoAmI {
  readonly person: Person;
  readonly identities: readonly LinkedIdentity[];
  /** Whether a worker can look people up on a cluster. */
  readonly looksUp?: boolean;
  readonly proposal: LinkProposal | null;
  readonly requests: readonly AccessRequest[];
  readonly clusters: readonly Cluster[];
  readonly worker: WorkerIdentity | null;
  readonly workerAnswered: boolean;
  /** As in the report. */
  readonly trouble?: string | null;
}

export function whoAmIAnswer(seen: WhoAmI): Message {
  const { person, requests, clusters, worker, workerAnswered, trouble } = seen;
  const approves = clusters.filter((cluster) => isApproverOf(cluster, person)).map(({ name }) => name);
  const onCall = clusters.filter((cluster) => isNamedIn(cluster.onCall, person)).map(({ name }) => name);
  const parts = [
    `*You* ${mention(person.user)} (${code(person.user)})\n${identityPart(seen).join("\n")}`,
    leaseLines(requests).join("\n"),
    ...(approves.length > 0 ? [`*You can approve on* ${codeList(approves, 1000)}`] : []),
    ...(onCall.length > 0 ? [`*You are on call for* ${codeList(onCall, 1000)}`] : []),
    `*The worker* ${trouble ? `✗ ${styled(trouble)}` : workerWords(worker, workerAnswered)}`,
  ];
  const text = parts.join("\n");
  return { text, blocks: [...parts.map(section), ...runsIn(text)] };
}

function identityPart({ identities, proposal, looksUp = false }: WhoAmI): string[] {
  const waiting = proposal ? [`• ${code(proposal.arn)} waits for an administrator`] : [];
  const how = looksUp
    ? `${code("/eks-access whoami <cluster>")} looks you up on a cluster`
    : `${code("/eks-access link <arn>")} links one`;
  if (identities.length + waiting.length === 0) return [`*Your AWS identities* none yet; ${how}`];
  const more = looksUp ? [`${how}.`] : [];
  return ["*Your AWS identities*", ...identityLines(identities), ...waiting, ...more];
}

function leaseLines(requests: readonly AccessRequest[]): string[] {
  const all = requests.filter((request) => request.lease?.state === "active");
  // A lease and its extension are one access, until the extension's end.
  const extended = new Set(all.flatMap((each) => (each.lease?.end ? [] : (each.extends ?? []))));
  const active = all.filter(({ id }) => !extended.has(id));
  if (active.length === 0) return ["*Your active access* none"];
  const lines = active.map(
    (each) =>
      `• ${code(each.level, 80)} on ${code(each.cluster, 80)} (${code(each.id, 40)}${extendsText(each)}): ${leaseState(each)}`,
  );
  const rest = (left: number) => `${left} more: ${code("/eks-access list mine")}`;
  return ["*Your active access*", ...firstOf(lines, maxLeases, rest)];
}

function leaseState(request: AccessRequest): string {
  const { lease } = request;
  if (!lease || lease.end) return stateText(request);
  return `${until(lease.endsAt, request.durationSeconds)}${lease.drift ? ", *but access is lost*" : ""}`;
}

function workerWords(worker: WorkerIdentity | null, answered: boolean): string {
  if (!worker) return "✗ no worker answered. Check that a worker runs.";
  const identity = `${code(worker.arn)} in account ${code(worker.account)}`;
  if (answered) return `✓ AWS says: ${identity}`;
  return `✗ no worker answered. Last seen ${time(worker.at)} as ${identity}. Check that a worker runs.`;
}
