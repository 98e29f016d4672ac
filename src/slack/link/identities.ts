import { explainFailure } from "../../access/access-error.ts";
import { ownArnWords } from "../../access/ask/read-part.ts";
import { type Identities, type NoIdentity, readIdentities, sealEmail } from "../../access/found-identities.ts";
import {
  isCurrent,
  type KnownOf,
  needsEmail,
  type OwnIdentities,
  ownIdentities,
  sessionsIn,
  theyCanLink,
} from "../../access/identities.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { identitiesReport } from "../../diagnosis/reports.ts";
import { type IdentityLookUp, knownIdentitiesOf } from "../../ledger/links.ts";
import { askWorker, type SlackContext } from "../app/context.ts";
import { whyTooManyQuestions } from "../ask/limits.ts";

export interface KnownNow extends KnownOf {
  /** A worker's answer of the last day: it can be outdated. */
  readonly before: Identities | null;
  /** Why there is no present answer, and the fix, in sentences; null: there is one, or none is needed. */
  readonly trouble: string | null;
}

const unconfirmed = "Confirm your Slack email address.";
const noAnswer = "No worker answered. Ask an operator.";

/** A failure is a sentence: links and written ARNs work without it. @param asker the questions count for this person */
export async function lookUpIdentities(
  context: SlackContext,
  user: string,
  cluster: Cluster,
  asker = user,
): Promise<KnownNow> {
  const { config, directory, now } = context;
  const { links, found: before } = await knownIdentitiesOf(context, user, cluster);
  const known = { links, found: null, before, trouble: null };
  if (!needsEmail(config.identities)) return known;
  try {
    const email = await directory.emailOf(user);
    if (email === null) return { ...known, before: null, trouble: unconfirmed };
    if (before && isCurrent(before, email, config.identities, now())) return { ...known, found: before };
    const found = await ask(context, { user, asker }, email, cluster);
    return typeof found === "string" ? { ...known, trouble: found } : { ...known, found };
  } catch (error) {
    return { ...known, trouble: explainFailure(error) };
  }
}

/** A worker's answer; a text: why there is none, in sentences. */
async function ask(
  context: SlackContext,
  { user, asker }: { readonly user: string; readonly asker: string },
  email: string,
  cluster: Cluster,
): Promise<Identities | string> {
  const { keys, config, now, log } = context;
  const tooMany = await whyTooManyQuestions(context, asker);
  if (tooMany) return tooMany;
  const question = {
    type: "identities",
    cluster: cluster.name,
    email: sealEmail(user, email, now(), keys.decision),
  } as const;
  const report = await askWorker(context, question, identitiesReport);
  if (!report) return noAnswer;
  if (report.type === "failed") return report.message;
  const found = readIdentities(report.found, user, cluster, keys.preview, now());
  if (found && isCurrent(found, email, config.identities, now())) return found;
  log.warn({ user, cluster: cluster.name }, "an answer about a person has no seal of a worker, so it does not count");
  return noAnswer;
}

/** @param asker another one learns only that the person has none: they can't repair it */
export async function identitiesNow(
  context: SlackContext,
  user: string,
  cluster: Cluster,
  asker = user,
): Promise<OwnIdentities> {
  const known = await lookUpIdentities(context, user, cluster, asker);
  const arns = ownIdentities(context.config.identities, cluster, known);
  if (arns.length > 0) return { arns: await lastUsedFirst(context, user, arns), why: null };
  const unknown = `They have no known AWS identity on ${cluster.name}. ${theyCanLink}`;
  return { arns, why: asker === user ? (known.trouble ?? (known.found && whyNoIdentity(known.found))) : unknown };
}

/** How many of a person's last requests say which identity they use. */
const lookedThrough = 20;

/** In the order of the person's last requests; what they never used comes last, as it was. */
async function lastUsedFirst({ ledger }: Pick<SlackContext, "ledger">, user: string, arns: readonly string[]) {
  if (arns.length < 2) return arns;
  const used = (await ledger.ofRequester(user, lookedThrough)).map(({ principal }) => principal);
  const placeOf = (arn: string) => (used.includes(arn) ? used.indexOf(arn) : used.length);
  return arns.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** The same from the ledger alone. */
export async function rememberedIdentities(
  lookUp: IdentityLookUp,
  user: string,
  cluster: Cluster,
): Promise<OwnIdentities> {
  const known = await knownIdentitiesOf(lookUp, user, cluster);
  const arns = ownIdentities(lookUp.config.identities, cluster, known);
  return { arns, why: arns.length > 0 || !known.found ? null : whyNoIdentity(known.found) };
}

/** The sessions of a person that workers found in the last day, on all clusters, each once. */
export async function sessionsFound(
  { ledger, config, keys, now }: IdentityLookUp & Pick<SlackContext, "config">,
  user: string,
): Promise<readonly string[]> {
  if (!needsEmail(config.identities)) return [];
  const stored = await ledger.identitiesOf(user);
  const sessions = [...stored].flatMap(([name, value]) => {
    const cluster = config.clusters.get(name);
    const found = cluster && readIdentities(value, user, cluster, keys.preview, now());
    return found ? sessionsIn(found) : [];
  });
  return [...new Set(sessions)];
}

const correctIt = (what: string) => `In Identity Center, ${what}. Ask its administrator.`;

const noneOn: Readonly<Record<NoIdentity, (found: Identities) => string>> = {
  "user-not-found": ({ email }) => correctIt(`no user has the address ${email}`),
  "email-of-two-users": ({ email }) => correctIt(`${email} is one user's address and another's name`),
  "user-disabled": ({ email }) => correctIt(`your user, ${email}, is disabled`),
  "no-permission-set": ({ cluster }) => correctIt(`you have no permission set in the account of ${cluster}`),
  "role-unknown": ({ cluster, person }) =>
    `${cluster} names no role of your permission set ${person?.permissionSets.join(" or ")}. ${ownArnWords}`,
  "not-configured": ({ cluster }) => `eks-access.yml does not say who you are on ${cluster}.`,
};

/** Why a worker found no identity, and the fix, in two sentences; null: it found one. */
export function whyNoIdentity(found: Identities): string | null {
  return found.why === null ? null : noneOn[found.why](found);
}
