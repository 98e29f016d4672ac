import { z } from "zod";
import { isSamePrincipal } from "../aws-auth/index.ts";
import { type Immutable, textForm } from "./lease/lease-record.ts";
import type { Cluster } from "./policy/cluster.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

export type LinkSeal = Immutable<z.output<typeof linkSealForm>>;
const linkSealForm = z.strictObject({
  /** The linked person, or the administrator who confirmed it; null: only the first request named it. */
  by: textForm.nullable(),
  at: textForm,
  /** Over the fields above, the Slack user id and the ARN. */
  seal: textForm,
});

/** A person's linked principal in the ledger. `seal` null: eks-access did not write it. */
export type PrincipalLink = Immutable<z.output<typeof linkForm>>;
export const linkForm = z.strictObject({ arn: textForm, seal: linkSealForm.nullable() });

/** A person's request to be linked with a principal; an administrator has to confirm it. */
export type LinkProposal = Immutable<z.output<typeof linkProposalForm>>;
export const linkProposalForm = z.strictObject({ id: textForm, user: textForm, arn: textForm, at: textForm });

export function sealLink(user: string, arn: string, said: Omit<LinkSeal, "seal">, keys: DecisionKeys): LinkSeal {
  return { ...said, seal: keys.seal("link", { ...said, user, arn }) };
}

export function isSealedLink(user: string, { arn, seal: given }: PrincipalLink, keys: DecisionPublicKeys): boolean {
  if (!given) return false;
  const { seal: sealText, ...said } = given;
  return keys.isSealed("link", { ...said, user, arn }, sealText);
}

/** Whether a rule with `linkedOnly` accepts this link: it is sealed, and confirmed if the configuration requires that. */
export function isAcceptedLink(
  user: string,
  link: PrincipalLink,
  mustBeConfirmed: boolean,
  keys: DecisionPublicKeys,
): boolean {
  const by = link.seal?.by ?? null;
  return by !== null && (!mustBeConfirmed || by !== user) && isSealedLink(user, link, keys);
}

export function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** Only to show or to offer: these seals are unchecked. */
export function arnsOf(links: readonly PrincipalLink[]): readonly string[] {
  return links.map(({ arn }) => arn);
}

/** By Slack user id: the ARNs of people's links, and those that a worker found. */
export type LinkedArns = ReadonlyMap<string, readonly string[]>;

export function linkInAccountOf(links: readonly PrincipalLink[], arn: string): PrincipalLink | null {
  return links.find((link) => accountIn(link.arn) === accountIn(arn)) ?? null;
}

/** A person's ARN in the account of this one, the principal itself if it is theirs; null: none. @param user Slack user id */
export function linkedArnInAccountOf(links: LinkedArns | undefined, user: string, arn: string): string | null {
  const inAccount = links?.get(user)?.filter((each) => accountIn(each) === accountIn(arn)) ?? [];
  return inAccount.find((each) => isSamePrincipal(each, arn)) ?? inAccount[0] ?? null;
}

/** The linked ARN for a cluster: in its own account, else in a foreign one that it takes, else the only link. Null: none fits. */
export function linkedArnOn(
  arns: readonly string[],
  cluster: Pick<Cluster, "account" | "foreignAccounts"> | null,
): string | null {
  const accounts = cluster ? [cluster.account, ...cluster.foreignAccounts] : [];
  const fitting = accounts.map((account) => arns.find((arn) => accountIn(arn) === account));
  return fitting.find((arn) => arn !== undefined) ?? (arns.length === 1 ? (arns[0] ?? null) : null);
}
